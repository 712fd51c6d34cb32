// Lay the parts of a lesson out on slides of 1280 × 720, as large as they fit, then let reveal.js show them.
(function () {
  'use strict';
  var parts = document.getElementById('parts'), slides = document.querySelector('.reveal .slides');
  // Sizes of text to try, the largest first; at the smallest, code has 14.4 pixels.
  var SIZES = [1.2, 1.15, 1.1, 1.05, 1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.67, 0.63];
  var WRAP = 0.85;
  var COMFORTABLE = 0.74;  // below it, rather one more slide
  var ZOOMS = [2, 1.9, 1.8, 1.7, 1.6, 1.5, 1.4, 1.3, 1.2, 1.1, 1.05, 1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.6, 0.5, 0.4, 0.3];
  var WORTH_IT = 1.05;  // a figure is smaller than that only where it has the slide to itself
  // A stepper that would be smaller scrolls inside its own box, and follows its steps. Paper cannot scroll.
  var LEGIBLE = /print-pdf|view=print/.test(location.search) ? 0.3 : 0.93;

  function make(tag, name, parent, html) {
    var element = document.createElement(tag);
    if (name) element.className = name;
    if (html) element.innerHTML = html;
    if (parent) parent.appendChild(element);
    return element;
  }

  // A slide like another one, with its heading and these parts.
  function slide(like, elements, more) {
    var made = make('section', like.className, parts), page = make('div', 'page', made), heading;
    made.dataset.section = like.dataset.section;
    heading = like.querySelector('h1, h2');
    if (heading && !more) page.appendChild(heading.cloneNode(true));
    else make('p', 'running', page).textContent =
      (heading && like.dataset.section !== heading.textContent ? heading.textContent : like.dataset.section);
    var body = make('div', 'body', page);
    elements.forEach(function (element) { body.appendChild(element); });
    make('p', 'foot', page).textContent = parts.dataset.title;
    return made;
  }
  function sized(made, size, zoom) {
    made.classList.remove('wrapped');
    made.style.setProperty('--scale', size);
    made.style.setProperty('--zoom', zoom || 1);
  }
  // Whether everything has room; long lines of code are broken only where they would become small otherwise.
  function fits(made) {
    if (fitsAsItIs(made)) return true;
    if (+made.style.getPropertyValue('--scale') > WRAP) return false;
    made.classList.add('wrapped');
    return fitsAsItIs(made);
  }
  function fitsAsItIs(made) {
    var body = made.querySelector('.body');
    if (body.scrollHeight > body.clientHeight + 1 || body.scrollWidth > body.clientWidth + 1) return false;
    var room = body.getBoundingClientRect();
    return Array.prototype.every.call(body.querySelectorAll('pre, table, mjx-container[display], .media > *, [role=region]'), function (wide) {
      var box = wide.getBoundingClientRect();
      return wide.scrollWidth <= wide.clientWidth + 1 && box.right <= room.right + 1 && box.left >= room.left - 1 &&
        box.bottom <= room.bottom + 1 && box.top >= room.top - 1;
    });
  }
  // The first of a list, from large to small, that fits; or -1. What is smaller than something that fits, fits.
  function first(list, test) {
    var low = 0, high = list.length;
    while (low < high) {
      var middle = (low + high) >> 1;
      if (test(list[middle])) high = middle;
      else low = middle + 1;
    }
    return low < list.length ? low : -1;
  }
  // Make a slide as large as it fits; return its size, 0 where it does not.
  function fit(made, smallest, largest) {
    var media = made.querySelector('.media');
    var sizes = SIZES.filter(function (size) { return size >= (smallest || 0) && size <= (largest || 1.2); });
    if (!media) {
      var at = first(sizes, function (size) { sized(made, size); return fits(made); });
      sized(made, sizes[at < 0 ? sizes.length - 1 : at]);
      fits(made);
      return at < 0 ? 0 : sizes[at];
    }
    var alone = !made.querySelector('.code, .block, .printed');
    var zooms = ZOOMS.filter(function (zoom) { return alone || zoom >= WORTH_IT; });
    sizes = alone ? [1] : sizes.filter(function (size) { return size <= 1.1; });
    for (var i = 0; i < sizes.length; i++) {
      var best = first(zooms, function (zoom) { sized(made, sizes[i], zoom); return fits(made); });
      if (best >= 0) {
        sized(made, sizes[i], zooms[best]);
        fits(made);
        return sizes[i];
      }
    }
    return 0;
  }

  // --- text: as many slides as needed, about equally full
  function text(part, blocks, more) {
    var whole = slide(part, blocks, more);
    // A sentence and what it announces are torn apart only where they must.
    var announced = blocks.length === 2 && /:\s*$/.test(blocks[0].textContent);
    if (fit(whole, announced ? COMFORTABLE : 0.84) || blocks.length < 2) return fit(whole) ? [whole] : broken(part, whole, blocks, more);
    whole.remove();
    var groups = divide(blocks, function (group, index) {
      var trial = slide(part, group, more || index > 0), size = fit(trial, 1, 1);
      trial.remove();
      return size > 0;
    });
    if (groups.length === 1) groups = [blocks.slice(0, -1), blocks.slice(-1)];
    return groups.reduce(function (all, group, index) {
      var made = slide(part, group, more || index > 0);
      if (fit(made)) return all.concat([made]);
      return all.concat(broken(part, made, group, more || index > 0));
    }, []);
  }
  function divide(items, goes) {
    var groups = [], group = [];
    items.forEach(function (item) {
      if (group.length && !goes(group.concat([item]), groups.length)) {
        // What announces the next thing goes with it.
        var kept = group.length > 1 && /:\s*$/.test(group[group.length - 1].textContent) ? [group.pop()] : [];
        groups.push(group);
        group = kept;
      }
      group.push(item);
    });
    return groups.concat([group]);
  }
  // One block that is too high even at the smallest size: a long list or program goes on on the next slide.
  function broken(part, made, blocks, more) {
    var pre = blocks.length === 1 && blocks[0].querySelector(':scope > pre');
    if (pre && pre.querySelectorAll('.line').length > 2) {
      made.remove();
      return halves(blocks[0]).reduce(function (all, half, index) {
        var one = slide(part, [half], more || index > 0);
        return all.concat(fit(one, 0, 1) ? [one] : broken(part, one, [half], more || index > 0));
      }, []);
    }
    var list = blocks.length === 1 && blocks[0].querySelector(':scope > ul, :scope > ol');
    if (!list || list.children.length < 2) return [made];
    made.remove();
    var half = Math.ceil(list.children.length / 2), other = blocks[0].cloneNode(true), rest = other.firstElementChild;
    while (list.children.length > half) list.lastElementChild.remove();
    for (var i = 0; i < half; i++) rest.firstElementChild.remove();
    if (rest.tagName === 'OL') rest.start = (list.start || 1) + half;
    return text(part, [blocks[0]], more).concat(text(part, [other], true));
  }

  // A program in two, best at an empty line near the middle.
  function halves(holder) {
    var other = holder.cloneNode(true), lines = holder.querySelectorAll('.line'), rest = other.querySelectorAll('.line');
    var middle = Math.ceil(lines.length / 2), at = middle;
    for (var i = 1; i < lines.length - 1; i++)
      if (!lines[i].textContent.trim() && Math.abs(i - middle) < lines.length / 5 &&
          (at === middle || Math.abs(i - middle) < Math.abs(at - middle))) at = i;
    for (i = 0; i < lines.length; i++) (i < at ? rest : lines)[i].remove();
    return [holder, other];
  }

  // --- code with what it puts out: together where there is room, the output one key later; else on slides of their own
  function run(part) {
    var body = part.querySelector('.body');
    function all(name) { return Array.prototype.slice.call(body.querySelectorAll(':scope > ' + name)); }
    var lead = all('.block'), code = all('.code'), outputs = all('.output');
    var steppers = outputs.filter(isLive).map(function (output) { return live(part, output); });
    outputs = outputs.filter(function (output) { return !isLive(output); });
    if (outputs.length) {
      var sizes = SIZES.filter(function (size) { return size >= COMFORTABLE && size <= 1.1; });
      var together = slide(part, lead.concat(code, outputs));
      outputs.forEach(function (output) { output.classList.add('fragment'); });
      for (var i = 0; i < sizes.length; i++)
        for (var beside = 0; beside < 2; beside++) {
          together.querySelector('.body').classList.toggle('beside', !!beside);
          if (fit(together, sizes[i], sizes[i])) return [together].concat(steppers);
        }
      together.remove();
      outputs.forEach(function (output) { output.classList.remove('fragment'); });
    }
    var made = slide(part, lead.concat(code)), results = [made];
    if (!fit(made, lead.length ? COMFORTABLE : 0, 1.1)) {
      made.remove();
      results = lead.length ? text(part, lead, false) : [];
      made = slide(part, code, lead.length > 0);
      results = results.concat(fit(made, 0, 1.1) ? [made] : broken(part, made, code, lead.length > 0));
    }
    if (outputs.length) {
      var group = slide(part, outputs, true);
      if (fit(group, COMFORTABLE)) results.push(group);
      else {
        group.remove();
        outputs.forEach(function (output) {
          var one = slide(part, [output], true);
          results = results.concat(fit(one) ? [one] : broken(part, one, [output], true));
        });
      }
    }
    return results.concat(steppers);
  }

  // --- a stepper or the explorer: as large as can be, its buttons above or beside the picture
  function isLive(output) { return output.querySelector('[role=group]') !== null; }
  function live(part, output) {
    var made = slide(part, [output], true), media = output.querySelector('.media');
    made.classList.add('live');
    made.querySelector('.foot').textContent += ' — ' + part.dataset.section;
    var back = longestCaption(media), box = media.querySelector('[role=region]'), best = 0;
    function largest(beside) {
      media.classList.toggle('beside', beside);
      var at = first(ZOOMS, function (zoom) { sized(made, 1, zoom); return fits(made); });
      return at < 0 ? 0 : ZOOMS[at];
    }
    var above = largest(false), beside = box ? largest(true) : 0;
    best = Math.max(above, beside);
    media.classList.toggle('beside', beside > above);
    if (best < LEGIBLE && box) {
      best = 1;
      media.classList.add('beside', 'scrolling');
      sized(made, 1, best);
      var room = made.querySelector('.body').clientHeight - (media.offsetHeight - box.offsetHeight);
      box.style.setProperty('max-height', room + 'px', 'important');
      box.style.setProperty('max-width', made.querySelector('.body').clientWidth - 330 + 'px');
      room = made.querySelector('.body').clientHeight - (media.offsetHeight - box.offsetHeight) - 2;
      box.style.setProperty('max-height', room + 'px', 'important');
    }
    sized(made, 1, best);
    back();
    return made;
  }
  // Show the step with the most words, so that all steps have room; return a function that goes back.
  function longestCaption(media) {
    var sliders = media.querySelectorAll('input[type=range]'), slider = sliders[sliders.length - 1];
    var caption = media.querySelector('[aria-live]'), was = slider.value, longest = 0, where = was;
    function go(step) {
      slider.value = step;
      slider.dispatchEvent(new Event('input'));
    }
    for (var step = +slider.min; step <= +slider.max; step++) {
      go(step);
      if (caption.textContent.length > longest) {
        longest = caption.textContent.length;
        where = step;
      }
    }
    go(where);
    return function () { go(was); };
  }

  function arrange(part) {
    if (part.classList.contains('run')) return run(part);
    return text(part, Array.prototype.slice.call(part.querySelectorAll(':scope > .body > .block')), false);
  }

  function start() {
    // Pictures that became steppers: as wide as they were drawn; the slide zooms them.
    parts.querySelectorAll('[role=region] > svg').forEach(function (svg) {
      svg.style.width = svg.style.minWidth = svg.style.maxWidth = svg.getAttribute('width') + 'px';
    });
    // One after the other, with nothing else in the box that has to be laid out.
    var rows = Array.prototype.slice.call(parts.children);
    rows.forEach(function (row) { row.remove(); });
    rows.forEach(function (row) {
      var stack = make('section', 'row');
      Array.prototype.slice.call(row.children).forEach(function (part) {
        arrange(part).forEach(function (made) { stack.appendChild(made); });
      });
      slides.appendChild(stack);
    });
    parts.remove();
    Reveal.initialize({
      width: 1280, height: 720, margin: 0, minScale: 0.1, maxScale: 4, center: false,
      hash: true, fragmentInURL: false, navigationMode: 'linear', slideNumber: 'c/t', transition: 'none', backgroundTransition: 'none',
      pdfSeparateFragments: false, pdfMaxPagesPerSlide: 1, viewDistance: 3
    }).then(function () { document.documentElement.classList.add('ready'); });
  }

  // A stepper keeps its keys to itself. The keys of a presenter's remote still turn the slides, and Escape leaves it.
  window.addEventListener('keydown', function (event) {
    if (!event.target.closest || !event.target.closest('[role=group]') || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'PageDown') Reveal.next();
    else if (event.key === 'PageUp') Reveal.prev();
    else if (event.key === 'Escape') event.target.blur();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }, true);

  window.addEventListener('load', function () {
    Reveal.on('slidechanged', function () {
      if (document.activeElement && document.activeElement !== document.body) document.activeElement.blur();
    });
    var ready = [document.fonts.ready];
    if (window.MathJax) ready.push(MathJax.startup.promise.then(function () { return MathJax.typesetPromise([parts]); }));
    Promise.all(ready).then(start);
  });
})();
