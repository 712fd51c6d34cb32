// Put sliders, the loss surface with a path on it and the loss curve in the place of their picture.
// data: {lrs, batches, seeds, steps, first}. What was computed stands in the image's data-runs, see explore.py.
function explorer(img, data) {
  img.onload = null;
  var runs = JSON.parse(img.getAttribute('data-runs')), bowl = runs.bowl, view = runs.view;
  var bytes = Uint8Array.from(atob(runs.points), function (letter) { return letter.charCodeAt(0); });
  var points = new Float32Array(bytes.buffer);
  var INK = '#1f2328', MUTED = '#57606a', RUN = '#D55E00', FULL = '#0072B2';
  var doc = img.ownerDocument, chosen = data.first.slice(), now = 0;
  var full = data.batches.indexOf(null);
  function places(i, j, k) {  // where run (i, j, k) begins: a full batch has one run for all seeds
    var before = 0, seeds = function (j) { return j === full ? 1 : data.seeds.length; };
    for (var l = 0; l < j; l++) before += data.lrs.length * seeds(l);
    return 2 * (data.steps + 1) * (before + i * seeds(j) + (j === full ? 0 : k));
  }
  function path(i, j, k) {  // its points {w, b, loss}
    var at = places(i, j, k), out = [];
    for (var t = 0; t <= data.steps; t++, at += 2) {
      var w = points[at] - bowl[0], b = points[at + 1] - bowl[1];
      out.push({w: points[at], b: points[at + 1], loss: bowl[2] + bowl[3] * w * w + 2 * bowl[4] * w * b + b * b});
    }
    return out;
  }
  // --- numbers as text
  function text(x) {
    if (!isFinite(x)) return x > 0 ? 'infinite' : 'not a number';
    var size = Math.abs(x);
    if (size && (size >= 1e5 || size < 1e-3)) {
      var parts = x.toExponential(1).split('e');
      var raised = parts[1].replace('+', '').replace(/./g, function (c) { return c === '-' ? '⁻' : '⁰¹²³⁴⁵⁶⁷⁸⁹'[c]; });
      return parts[0].replace('-', '−') + ' · 10' + raised;
    }
    return String(+x.toPrecision(3)).replace('-', '−');
  }
  var digits = Math.max(0, Math.ceil(2.5 - Math.log10(view[1] - view[0])));
  function parameter(x) {
    if (!isFinite(x) || Math.abs(x) >= 1e5) return text(x);
    return x.toFixed(digits).replace(/^-(0\.?0*)$/, '$1').replace('-', '−');
  }
  // --- SVG
  function draw(parent, tag, attributes, words) {
    var element = doc.createElementNS('http://www.w3.org/2000/svg', tag);
    for (var name in attributes) element.setAttribute(name, attributes[name]);
    if (words !== undefined) element.textContent = words;
    parent.appendChild(element);
    return element;
  }
  var WIDTH = 440, HEIGHT = 350, LEFT = 50, TOP = 10, INNER = 380, TALL = 380 / 1.3;
  function panel(parent, words) {
    var svg = draw(parent, 'svg', {viewBox: '0 0 ' + WIDTH + ' ' + HEIGHT, role: 'img', 'aria-label': words,
      'font-size': 13, 'font-family': 'system-ui,sans-serif', fill: INK, 'text-anchor': 'middle'});
    svg.style.cssText = 'display:block;flex:1 1 320px;min-width:0;width:100%;max-width:520px;height:auto;margin:0';
    return {svg: svg, back: draw(svg, 'g', {}), front: draw(svg, 'g', {fill: 'none'}), frame: draw(svg, 'g', {})};
  }
  function number(x) { return Math.round(10 * Math.max(-1e5, Math.min(1e5, x))) / 10; }
  function line(at) { return at.map(function (p, i) { return (i ? 'L' : 'M') + number(p[0]) + ' ' + number(p[1]); }).join(''); }
  // Dots: lines of no length with round ends.
  function dots(at) { return at.map(function (p) { return 'M' + number(p[0]) + ' ' + number(p[1]) + 'h0'; }).join(''); }
  function frame(parent, xs, ys, x_label, y_label) {
    // White all round, over what goes too far; then ticks.
    draw(parent, 'path', {d: 'M-9-9H' + (WIDTH + 9) + 'V' + (HEIGHT + 9) + 'H-9ZM' + LEFT + ' ' + TOP + 'v' + TALL +
      'h' + INNER + 'v' + -TALL + 'Z', fill: '#fff'});
    draw(parent, 'rect', {x: LEFT, y: TOP, width: INNER, height: TALL, fill: 'none', stroke: MUTED});
    xs.forEach(function (tick) {
      draw(parent, 'path', {d: 'M' + tick[0] + ' ' + (TOP + TALL) + 'v5', stroke: MUTED});
      draw(parent, 'text', {x: tick[0], y: TOP + TALL + 19}, tick[1]);
    });
    ys.forEach(function (tick) {
      draw(parent, 'path', {d: 'M' + LEFT + ' ' + tick[0] + 'h-5', stroke: MUTED});
      draw(parent, 'text', {x: LEFT - 8, y: tick[0] + 4.5, 'text-anchor': 'end'}, tick[1]);
    });
    draw(parent, 'text', {x: LEFT + INNER / 2, y: HEIGHT - 8}, x_label);
    draw(parent, 'text', {transform: 'translate(13 ' + (TOP + TALL / 2) + ') rotate(-90)'}, y_label);
  }
  function ticks(low, high, wanted, place) {
    var step = Math.pow(10, Math.floor(Math.log10((high - low) / wanted)));
    step *= [1, 2, 5, 10].filter(function (times) { return (high - low) / (step * times) <= wanted; })[0];
    var out = [];
    for (var k = Math.ceil(low / step); k * step <= high; k++) out.push([place(k * step), text(+(k * step).toPrecision(6))]);
    return out;
  }
  // --- the page
  var root = doc.createElement('div');
  root.setAttribute('role', 'group');
  root.setAttribute('aria-label', 'explorer of ' + data.lrs.length * data.batches.length * data.seeds.length + ' runs');
  var control = player(root, data.steps, function (step) { now = step; return update(); });
  var sliders = control.make('div', 'display:grid;gap:4px;max-width:560px;margin:0 0 8px', root);
  root.insertBefore(sliders, root.firstChild);
  var shown = [];
  function names(j) { return data.batches[j] === null ? 'all' : String(data.batches[j]); }
  [['learning rate', data.lrs], ['batch size', data.batches.map(function (_, j) { return names(j); })],
    ['seed', data.seeds.map(String)]].forEach(function (kind, which) {
    var row = control.make('label', 'display:flex;align-items:center;gap:10px;margin:0;font-weight:400', sliders);
    control.make('span', 'flex:0 0 6.5em', row).textContent = kind[0];
    var slider = control.focusable(control.make('input', 'flex:1 1 100px;min-width:80px;margin:0;accent-color:#0b5394', row));
    var value = control.make('span', 'flex:0 0 3.5em;font-weight:600;font-variant-numeric:tabular-nums', row);
    slider.type = 'range';
    slider.min = 0;
    slider.max = kind[1].length - 1;
    slider.step = 1;
    slider.value = chosen[which];
    slider.setAttribute('aria-label', kind[0]);
    function tell() {  // with all examples in each step, no seed changes anything
      slider.disabled = which === 2 && chosen[1] === full;
      value.textContent = slider.disabled ? 'any' : kind[1][chosen[which]];
      slider.setAttribute('aria-valuetext', value.textContent);
    }
    slider.oninput = function () {
      chosen[which] = +slider.value;
      shown.forEach(function (again) { again(); });
      control.caption.textContent = update();
    };
    slider.addEventListener('keydown', function (event) {  // these move this slider, not the player's
      if (/^(Arrow|Page|Home|End)/.test(event.key) && !(event.ctrlKey || event.metaKey || event.altKey))
        event.stopPropagation();
    });
    shown.push(tell);
    tell();
  });
  var pictures = control.make('div', 'display:flex;flex-wrap:wrap;gap:8px;margin-top:8px', root);
  var surface = panel(pictures, 'loss surface'), curve = panel(pictures, 'loss after each step');
  var legend = control.make('div', 'display:flex;flex-wrap:wrap;gap:2px 18px;margin:2px 2px 0;font-size:13px', root);
  root.appendChild(control.caption);
  control.caption.style.minHeight = '4.2em';
  // --- the surface: ellipses round the minimum
  var scale = INNER / (view[1] - view[0]);
  function place(p) { return [LEFT + scale * (p.w - view[0]), TOP + scale * (view[3] - p.b)]; }
  function inside(p) { return p.w >= view[0] && p.w <= view[1] && p.b >= view[2] && p.b <= view[3]; }
  var centre = place({w: bowl[0], b: bowl[1]});
  // The matrix [[mean of x², mean of x], [mean of x, 1]]: its axes and how steep they are.
  var middle = (bowl[3] + 1) / 2, apart = Math.hypot((bowl[3] - 1) / 2, bowl[4]);
  var steep = middle + apart, flat = Math.max(middle - apart, 1e-6 * steep);
  var turned = Math.atan2(2 * bowl[4], bowl[3] - 1) / 2;
  var begin = place(path(0, 0, 0)[0]);
  var away = Math.atan2(begin[1] - centre[1], centre[0] - begin[0]), labels = [centre, begin];
  runs.levels.slice().reverse().forEach(function (level, i, all) {
    var size = scale * Math.sqrt(level - bowl[2]), rx = size / Math.sqrt(steep), ry = size / Math.sqrt(flat);
    var share = (i + 1) / (all.length + 1);
    var tint = 'rgb(' + [220, 235, 247].map(function (c) { return Math.round(255 + share * (c - 255)); }) + ')';
    draw(surface.back, 'ellipse', {rx: rx, ry: ry, fill: tint, stroke: '#8fa6b8', 'stroke-width': 0.9,
      transform: 'translate(' + centre + ') rotate(' + -turned * 180 / Math.PI + ')'});
    for (var k = 0; k < 48; k++) {  // its label where there is room, best on the other side than the paths
      var angle = (k % 2 ? -1 : 1) * Math.PI * k / 48 + away - turned;
      var x = rx * Math.cos(angle), y = ry * Math.sin(angle);
      var at = [centre[0] + x * Math.cos(turned) - y * Math.sin(turned), centre[1] - x * Math.sin(turned) - y * Math.cos(turned)];
      var free = at[0] > LEFT + 22 && at[0] < LEFT + INNER - 22 && at[1] > TOP + 14 && at[1] < TOP + TALL - 14 &&
        labels.every(function (other) { return Math.hypot(at[0] - other[0], at[1] - other[1]) > 30; });
      if (free) {
        labels.push(at);
        break;
      }
    }
    if (free) at.push(text(level));
  });
  labels.slice(2).forEach(function (at) {
    draw(surface.back, 'text', {x: at[0], y: at[1] + 4, 'font-size': 11, fill: MUTED, stroke: '#f0f6fb', 'stroke-width': 4,
      'paint-order': 'stroke'}, at[2]);
  });
  frame(surface.frame, ticks(view[0], view[1], 7, function (w) { return number(place({w: w, b: 0})[0]); }),
    ticks(view[2], view[3], 6, function (b) { return number(place({w: 0, b: b})[1]); }), 'weight w', 'bias b');
  // --- the curve
  var low = Math.log(runs.losses[0]), high = Math.log(runs.losses[1]);
  function height(loss) { return TOP + TALL * (high - Math.log(Math.max(loss, 1e-300))) / (high - low); }
  function across(t) { return LEFT + 8 + (INNER - 16) * t / data.steps; }
  var decades = (high - low) / Math.LN10, levels = [];
  for (var d = Math.floor(low / Math.LN10); d <= high / Math.LN10; d += decades > 8 ? 2 : 1)
    (decades < 3 ? [1, 2, 5] : [1]).forEach(function (digit) {
      var loss = +(digit + 'e' + d);
      if (loss >= runs.losses[0] && loss <= runs.losses[1]) levels.push([number(height(loss)), text(loss)]);
    });
  levels.forEach(function (tick) {
    draw(curve.back, 'path', {d: 'M' + LEFT + ' ' + tick[0] + 'h' + INNER, stroke: '#e3e6ea'});
  });
  if (bowl[2] > runs.losses[0])
    draw(curve.back, 'path', {d: 'M' + LEFT + ' ' + number(height(bowl[2])) + 'h' + INNER, stroke: MUTED,
      'stroke-width': 1.5, 'stroke-dasharray': '2 3'});
  frame(curve.frame, ticks(0, data.steps, 6, function (t) { return number(across(t)); }), levels, 'step', 'loss');
  // --- what moves
  function strokes(g) {
    var out = {full: draw(g, 'path', {stroke: FULL, 'stroke-width': 2, 'stroke-dasharray': '7 4'})};
    out.line = draw(g, 'path', {stroke: RUN, 'stroke-width': 1.8, 'stroke-linejoin': 'round'});
    out.dots = draw(g, 'path', {stroke: RUN, 'stroke-width': 5.5, 'stroke-linecap': 'round'});
    out.now = draw(g, 'circle', {r: 6, fill: RUN, stroke: '#fff', 'stroke-width': 1.5});
    return out;
  }
  draw(surface.back, 'path', {d: 'M' + number(centre[0] - 5) + ' ' + number(centre[1] - 5) + 'l10 10m0-10l-10 10',
    stroke: INK, 'stroke-width': 2.2, fill: 'none'});
  var on_surface = strokes(surface.front), on_curve = strokes(curve.front);
  draw(surface.front, 'circle', {cx: number(begin[0]), cy: number(begin[1]), r: 8, stroke: INK, 'stroke-width': 1.5});
  function key(attributes, d, words) {
    var item = control.make('span', 'display:inline-flex;align-items:center;gap:6px', legend);
    var svg = draw(item, 'svg', {width: 30, height: 14, 'aria-hidden': 'true', fill: 'none'});
    svg.style.cssText = 'width:30px;height:14px;flex:none;margin:0';
    attributes.forEach(function (a, i) { draw(svg, 'path', Object.assign({d: d[i]}, a)); });
    control.make('span', '', item).textContent = words;
    return item;
  }
  key([{stroke: RUN, 'stroke-width': 1.8}, {stroke: RUN, 'stroke-width': 5.5, 'stroke-linecap': 'round'}],
    ['M2 7h26', 'M8 7h0M22 7h0'], 'this run');
  var key_full = key([{stroke: FULL, 'stroke-width': 2, 'stroke-dasharray': '7 4'}], ['M1 7h28'],
    'full batch, same learning rate');
  key([{stroke: INK, 'stroke-width': 1.5}], ['M8 7a6 6 0 1 0 12 0a6 6 0 1 0-12 0'], 'start');
  key([{stroke: INK, 'stroke-width': 2.2}], ['M10 2l10 10m0-10l-10 10'], 'minimum');
  if (bowl[2] > runs.losses[0])
    key([{stroke: MUTED, 'stroke-width': 1.5, 'stroke-dasharray': '2 3'}], ['M2 7h26'], 'smallest possible loss');
  function drawn(steps) {  // as far as the player has come, or until the path goes far off and does not come back
    function far(p) { return Math.hypot(p.w - bowl[0], p.b - bowl[1]); }
    var end = steps.length, near = 30 * (steps.length && far(steps[0]) || 1);
    while (end > 1 && !(far(steps[end - 1]) <= near)) end--;
    return steps.slice(0, Math.min(end, now + 1));
  }
  function show(parts, steps, other, where) {
    var at = drawn(steps).map(where), last = at[at.length - 1];
    parts.line.setAttribute('d', line(at));
    parts.dots.setAttribute('d', dots(at));
    parts.now.setAttribute('cx', number(last[0]));
    parts.now.setAttribute('cy', number(last[1]));
    parts.full.setAttribute('d', line(drawn(other).map(where)));
  }
  function update() {
    var steps = path(chosen[0], chosen[1], chosen[2]), compare = full >= 0 && chosen[1] !== full;
    var other = compare ? path(chosen[0], full, 0) : [];
    show(on_surface, steps, other, place);
    show(on_curve, steps, other, function (p, t) { return [across(t), height(p.loss)]; });
    key_full.style.display = full < 0 ? 'none' : 'inline-flex';
    key_full.style.visibility = compare ? 'visible' : 'hidden';
    var p = steps[now], size = data.batches[chosen[1]], words;
    words = now ? 'After ' + now + (now > 1 ? ' steps' : ' step') : 'Before the first step';
    if (size !== null && now) words += ', ' + seen(size) + (seen(size) > 1 ? ' examples' : ' example') + ' seen';
    [['w', parameter(p.w)], ['b', parameter(p.b)], ['loss', text(p.loss)]].forEach(function (pair, i) {
      words += (i ? ', ' : ': ') + pair.join('\u00a0=\u00a0');  // never broken over two lines
    });
    words += '.\n';
    if (!isFinite(p.loss)) words += 'The run has diverged, past the largest number there is.';
    else if (!inside(p)) words += 'This point lies outside the picture.';
    else words += 'The smallest possible loss is ' + text(bowl[2]) + '.';
    if (isFinite(p.loss) && p.loss > steps[0].loss) words += ' The loss is larger than at the start, ' + text(steps[0].loss) + '.';
    return words;
  }
  function seen(size) {
    var epoch = Math.ceil(data.examples / size);
    return Math.floor(now / epoch) * data.examples + now % epoch * size;
  }
  control.go(data.steps);
  img.replaceWith(root);
}
