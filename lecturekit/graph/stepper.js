// Put the graph as SVG, with a player, in the place of its picture. data: {svg, title, captions}.
function stepper(img, data) {
  img.onload = null;
  var root = document.createElement('div');
  root.setAttribute('role', 'group');
  root.setAttribute('aria-label', data.title + ', step by step');
  var parts = {}, box;
  var control = player(root, data.captions.length - 1, function (step) {
    parts.timed.forEach(function (part) {
      var seen = step >= +part.dataset.s && !(step >= +part.dataset.e) && step !== +part.dataset.x;
      part.setAttribute('visibility', seen ? 'visible' : 'hidden');
    });
    parts.faint.forEach(function (part) { part.style.opacity = step < +part.dataset.f ? 0.28 : 1; });
    var lit = parts.timed.filter(function (part) {
      return part.dataset.e == step + 1 && part.querySelector('rect');
    })[0];
    if (lit) {  // keep in sight what changes
      var inner = lit.getBoundingClientRect(), outer = box.getBoundingClientRect();
      if (inner.left < outer.left || inner.right > outer.right)
        box.scrollLeft += inner.left + inner.width / 2 - outer.left - outer.width / 2;
      if (inner.top < outer.top || inner.bottom > outer.bottom)
        box.scrollTop += inner.top + inner.height / 2 - outer.top - outer.height / 2;
    }
    return data.captions[step];
  });
  // Room for the longest caption, so that the picture stays where it is.
  var lines = Math.max.apply(null, data.captions.map(function (text) { return text.split('\n').length; }));
  control.caption.style.minHeight = 1.4 * lines + 'em';
  box = control.focusable(control.make('div', 'overflow:auto;max-height:820px', root));
  box.tabIndex = 0;
  box.setAttribute('role', 'region');
  box.setAttribute('aria-label', 'picture');
  box.innerHTML = data.svg;
  var svg = box.firstChild, width = +svg.getAttribute('width');
  // Smaller where the page is narrow, but never so small that it cannot be read: then it scrolls.
  svg.style.cssText = 'display:block;height:auto;width:100%;max-width:' + width + 'px;min-width:' +
    Math.min(width, Math.max(300, 0.72 * width)) + 'px';
  parts.timed = Array.from(svg.querySelectorAll('[data-s]'));
  parts.faint = Array.from(svg.querySelectorAll('[data-f]'));
  if (!matchMedia('(prefers-reduced-motion: reduce)').matches)
    parts.faint.forEach(function (part) { part.style.transition = 'opacity .25s'; });
  control.go(data.captions.length - 1);
  img.replaceWith(root);
}
