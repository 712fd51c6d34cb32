// Buttons, a slider and keys over the steps 0 … last. show(step, before) draws a step and returns its words.
// Played, a step comes each `pace` milliseconds.
// Everything made here works on white and dark pages, keeps its keys to itself and needs no style sheet.
function player(root, last, show, pace) {
  var step = -1, timer = 0, doc = root.ownerDocument;
  function make(tag, css, parent) {
    var element = doc.createElement(tag);
    element.style.cssText = css;
    parent.appendChild(element);
    return element;
  }
  // JupyterLab would take the keys of a focused element for its own: d d deletes a cell.
  function focusable(element) {
    element.setAttribute('data-lm-suppress-shortcuts', 'true');
    element.addEventListener('focus', function () {
      element.style.outline = element.matches(':focus-visible') ? '3px solid #0b5394' : 'none';
      element.style.outlineOffset = '1px';
    });
    element.addEventListener('blur', function () { element.style.outline = 'none'; });
    return element;
  }
  root.style.cssText = 'background:#fff;color:#1b1f24;color-scheme:light;font:15px/1.4 system-ui,sans-serif;' +
    'border-radius:6px;padding:8px;max-width:100%;box-sizing:border-box;text-align:left;outline:none';
  root.tabIndex = -1;
  focusable(root);
  var bar = make('div', 'display:flex;flex-wrap:wrap;gap:6px;align-items:center', root);
  var buttons = [['', 0], ['First', -Infinity], ['Back', -1], ['Step', 1], ['Last', Infinity]].map(function (kind) {
    var button = focusable(make('button', 'font:inherit;color:inherit;background:#f2f3f5;border:1px solid #57606a;' +
      'border-radius:5px;padding:3px 12px;margin:0;cursor:pointer', bar));
    button.type = 'button';
    button.textContent = kind[0];
    button.onclick = function () { if (kind[1]) go(step + kind[1]); else play(!timer); };
    return button;
  });
  var playing = buttons.shift();
  playing.style.minWidth = '46px';
  var slider = focusable(make('input', 'flex:1 1 120px;min-width:90px;max-width:260px;margin:0 4px;accent-color:#0b5394', bar));
  slider.type = 'range';
  slider.min = 0;
  slider.max = last;
  slider.step = 1;
  slider.setAttribute('aria-label', 'step');
  slider.oninput = function () { go(+slider.value); };
  var count = make('span', 'font-variant-numeric:tabular-nums', bar);
  count.setAttribute('aria-hidden', 'true');
  var caption = make('div', 'min-height:1.4em;margin:6px 2px 2px;white-space:pre-line;overflow-wrap:anywhere', root);
  caption.setAttribute('aria-atomic', 'true');
  function play(on) {
    clearInterval(timer);
    timer = on && setInterval(function () {
      move(step + 1);
      if (step === last || !root.isConnected) play(false);
    }, pace || Math.max(40, 12000 / last));
    playing.textContent = on ? '❚❚' : '▶\ufe0e';
    playing.setAttribute('aria-label', on ? 'Pause' : 'Play');
    caption.setAttribute('aria-live', on ? 'off' : 'polite');  // a voice could not keep up
    if (on) move(step === last ? 0 : step + 1);
  }
  function go(to) {
    if (timer) play(false);
    move(to);
  }
  function move(to) {
    var before = step;
    to = Math.max(0, Math.min(last, to));
    if (to === step) return;
    step = to;
    slider.value = step;
    slider.setAttribute('aria-valuetext', step + ' of ' + last);
    count.textContent = step + ' / ' + last;
    buttons.forEach(function (button, i) {  // never disabled: that would drop the focus, and keys with it
      var off = step === (i < 2 ? 0 : last);
      button.setAttribute('aria-disabled', off);
      button.style.color = off ? '#6b7178' : 'inherit';
      button.style.cursor = off ? 'default' : 'pointer';
    });
    caption.textContent = show(step, before);
  }
  play(false);
  root.addEventListener('keydown', function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    event.stopPropagation();
    var move = {ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity}[event.key];
    if (move) {
      event.preventDefault();
      go(step + move);
    }
  });
  ['keypress', 'keyup'].forEach(function (kind) {
    root.addEventListener(kind, function (event) { event.stopPropagation(); });
  });
  return {go: go, focusable: focusable, make: make, caption: caption};
}
