// Sliders or a map choose a run, a player goes through its steps; its path is drawn over the pictures that Matplotlib made.
// data: {lrs, batches, seeds, examples, steps, first}. What was computed stands in the image's data-runs: pictures.py.
function explorer(img, data) {
  img.onload = null;
  var RUN = '#D55E00', FULL = '#0072B2', doc = img.ownerDocument;
  var runs = JSON.parse(img.getAttribute('data-runs')), loss = runs.loss;
  var points = runs.points.map(text => new Float32Array(Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer));
  var SMALL = 'font-size:11px;line-height:1.5;', chosen = data.first.slice(), now = 0, full = data.batches.indexOf(null);
  function path(i, j, k, last = now) {  // a full batch has one run for all seeds
    var at = 2 * (data.steps + 1) * (j === full ? i : i * data.seeds.length + k), out = [];
    for (var t = 0; t <= last; t++, at += 2) {
      var w = points[j][at], b = points[j][at + 1], x = w - loss[0], y = b - loss[1];
      var here = loss[2] + loss[3] * x * x + 2 * loss[4] * x * y + y * y;
      out.push({w: w, b: b, loss: here, at: [[w, b], [t, Math.log10(here + 1e-300)]]});
    }
    return out;
  }
  function text(x) {
    if (!isFinite(x)) return isNaN(x) ? 'not a number' : 'infinite';
    var short = x && (Math.abs(x) >= 1e5 || Math.abs(x) < 1e-3) ? x.toExponential(1) : +x.toPrecision(3);
    return String(short).replace(/-/g, '−');
  }
  // --- sliders above the player
  var root = doc.createElement('div');
  root.setAttribute('role', 'group');
  root.setAttribute('aria-label', 'explorer of ' + data.lrs.length * data.batches.length * data.seeds.length + ' runs');
  var control = player(root, data.steps, step => { now = step; return update(); });
  var top = control.make('div', 'display:flex;flex-wrap:wrap;gap:10px 24px;margin:0 0 8px', root);
  root.insertBefore(top, root.firstChild);
  var rows = control.make('div', 'display:grid;gap:4px;align-content:start;flex:1 1 340px', top);
  var sizes = data.batches.map(size => size === null ? 'all' : size);
  var sliders = [['learning rate', data.lrs], ['batch size', sizes], ['seed', data.seeds]].map((kind, which) => {
    var row = control.make('label', 'display:flex;align-items:center;gap:10px;margin:0;font-weight:400', rows);
    control.make('span', 'flex:0 0 6.5em', row).textContent = kind[0];
    var middle = control.make('span', 'flex:1 1 100px;min-width:80px', row);
    var slider = control.make('input', 'display:block;width:100%;margin:0;accent-color:#0b5394', middle);
    var ticks = control.make('span', SMALL + 'display:flex;justify-content:space-between;padding:0 8px', middle);
    ticks.setAttribute('aria-hidden', 'true');
    kind[1].forEach((text, i) => {
      var tick = control.make('span', 'width:0;display:flex;justify-content:center', ticks);
      tick.textContent = kind[1].length > 8 && i % 3 ? '·' : text;
    });
    var value = control.make('span', 'flex:0 0 3.5em;font-weight:600;font-variant-numeric:tabular-nums', row);
    Object.assign(slider, {type: 'range', max: kind[1].length - 1, value: chosen[which]});
    slider.setAttribute('aria-label', kind[0]);
    control.focusable(slider).oninput = () => choose(which, +slider.value);
    slider.addEventListener('keydown', event => {  // move this slider, not the player's
      if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation();
    });
    return () => {  // with all examples in each step, no seed changes anything
      slider.value = chosen[which];
      slider.disabled = which === 2 && chosen[1] === full;
      value.textContent = slider.disabled ? 'any' : kind[1][chosen[which]];
      slider.setAttribute('aria-valuetext', value.textContent);
    };
  });
  function choose(which, place) {
    chosen[which] = Math.max(0, Math.min([data.lrs, sizes, data.seeds][which].length - 1, place));
    control.tell(update());
  }
  // --- a map of the mean losses of all seeds after the last step
  var side = control.make('div', SMALL + 'flex:1 1 340px', top), start = path(0, 0, 0, 0)[0].loss;
  var map = control.make('div', 'display:grid;gap:1px;font-size:10px;line-height:1.7;text-align:center;color:#1f2328;' +
    'grid-template-columns:2em repeat(' + data.lrs.length + ',minmax(0,1fr))', side);
  ['', ...data.lrs].forEach(lr => { control.make('span', 'color:#57606a', map).textContent = lr; });
  var cells = sizes.map((size, j) => {
    control.make('span', 'color:#57606a', map).textContent = size;
    return data.lrs.map((_, i) => {
      var mean = data.seeds.reduce((sum, _, k) => sum + path(i, j, k, data.steps)[data.steps].loss / data.seeds.length, 0);
      var cell = control.make('span', 'cursor:pointer;outline-offset:-1px', map), lost = !(mean <= start);
      var dark = Math.log(start / mean) / Math.log(start / (loss[2] + start / 1e6));
      cell.style.background = lost ? '#fbe5d6' : 'rgba(0,114,178,' + 0.5 * Math.min(1, dark) + ')';
      cell.textContent = lost ? '↑' : text(+mean.toPrecision(2));
      cell.onclick = () => { chosen[1] = j; choose(0, i); };
      return cell;
    });
  });
  control.make('div', 'color:#57606a', side).textContent = 'Loss after ' + data.steps + ' steps, mean of all seeds: a ' +
    'column for each learning rate, a row for each batch size. ↑ is more than at the start. Click, or use the arrow keys.';
  control.focusable(map).tabIndex = 0;
  map.setAttribute('role', 'application');
  map.setAttribute('aria-label', 'map of the losses: the arrow keys choose learning rate and batch size');
  map.addEventListener('keydown', event => {
    var move = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [1, -1], ArrowDown: [1, 1]}[event.key];
    if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();  // move on the map, not to another step
    choose(move[0], chosen[move[0]] + move[1]);
  });
  // --- the pictures, and over the axes of each a drawing in its pixels
  function draw(parent, tag, attributes) {
    var element = doc.createElementNS('http://www.w3.org/2000/svg', tag);
    for (var name in attributes) element.setAttribute(name, attributes[name]);
    return parent.appendChild(element);
  }
  var pictures = control.make('div', 'display:flex;flex-wrap:wrap;gap:8px;margin-top:8px', root);
  function share(x, range) { return (x - range[0]) / (range[1] - range[0]); }
  var panels = runs.panels.map((panel, which) => {
    var card = control.make('div', 'position:relative;flex:1 1 320px;max-width:520px', pictures);
    var picture = control.make('img', 'display:block;width:100%;max-width:none;height:auto;margin:0', card);
    Object.assign(picture, {src: panel.picture, alt: which ? 'loss after each step' : 'loss surface'});
    var width = 480 * panel.box[2], height = 400 * panel.box[3];
    var svg = draw(card, 'svg', {viewBox: [0, 0, width, height], fill: 'none', 'aria-hidden': 'true'});
    svg.style.cssText = 'position:absolute;max-width:none;margin:0;overflow:hidden;pointer-events:none';
    ['left', 'top', 'width', 'height'].forEach((side, i) => { svg.style[side] = 100 * panel.box[i] + '%'; });
    var faint = draw(svg, 'g', {stroke: RUN, opacity: 0.3});
    return {
      inside: at => at[0] >= 0 && at[0] <= width && at[1] >= 0 && at[1] <= height,
      seeds: draw(faint, 'path', {'stroke-width': 1.5, 'stroke-linejoin': 'round'}),
      far: draw(svg, 'g', {stroke: RUN, opacity: 0.12}).appendChild(faint.firstChild.cloneNode()),
      place: p => [width * share(p.at[which][0], panel.x), height * (1 - share(p.at[which][1], panel.y))],
      full: draw(svg, 'path', {stroke: FULL, 'stroke-width': 2, 'stroke-dasharray': '7 4'}),
      line: draw(svg, 'path', {stroke: RUN, 'stroke-width': 1.8, 'stroke-linejoin': 'round'}),
      dots: draw(svg, 'path', {stroke: RUN, 'stroke-width': 5.5, 'stroke-linecap': 'round'}),
      now: draw(svg, 'circle', {r: 6, fill: RUN, stroke: '#fff', 'stroke-width': 1.5}),
    };
  });
  root.appendChild(control.live);
  control.caption.style.minHeight = '4.2em';
  function drawn(panel, steps) {  // in pixels, until the path goes far off and does not come back
    var at = steps.map(panel.place), end = at.length;
    while (end > 1 && !(Math.hypot(at[end - 1][0], at[end - 1][1]) < 1e4)) end--;  // false for NaN
    return at.slice(0, end);
  }
  function line(panel, at) {  // without the parts that begin and end outside: those of a run that is lost hide the rest
    return at.map((p, t) => (t && (panel.inside(p) || panel.inside(at[t - 1])) ? 'L' : 'M') + p).join('');
  }
  function update() {
    var steps = path(chosen[0], chosen[1], chosen[2]), p = steps[now];
    sliders.forEach(tell => tell());
    cells.forEach((row, j) => row.forEach((cell, i) => {
      cell.style.outline = i === chosen[0] && j === chosen[1] ? '2px solid #1f2328' : '';
    }));
    panels.forEach(panel => {
      var at = drawn(panel, steps), last = at[at.length - 1];
      panel.line.setAttribute('d', line(panel, at));
      panel.far.setAttribute('d', 'M' + at.join('L'));
      var others = chosen[1] === full ? [] : data.seeds.map((_, k) => path(chosen[0], chosen[1], k));
      panel.seeds.setAttribute('d', others.map(other => line(panel, drawn(panel, other))).join(''));
      panel.dots.setAttribute('d', 'M' + at.join('h0M') + 'h0');  // lines of no length with round ends
      panel.now.setAttribute('transform', 'translate(' + last + ')');
      if (full >= 0) panel.full.setAttribute('d', line(panel, drawn(panel, path(chosen[0], full, 0))));
    });
    var size = data.batches[chosen[1]], equals = '\u00a0=\u00a0';  // never broken over two lines
    var words = now ? 'After ' + now + ' step' + (now > 1 ? 's' : '') : 'Before the first step';
    if (now && size !== null) {
      var epoch = Math.ceil(data.examples / size), seen = Math.floor(now / epoch) * data.examples + now % epoch * size;
      words += ', ' + seen + ' example' + (seen > 1 ? 's' : '') + ' seen';
    }
    words += ': w' + equals + text(p.w) + ', b' + equals + text(p.b) + ', loss' + equals + text(p.loss) + '.\n';
    if (!isFinite(p.loss)) return words + 'The run has diverged, past the largest number there is.';
    var view = runs.panels[0], shown = [share(p.w, view.x), share(p.b, view.y)].every(at => at >= 0 && at <= 1);
    words += shown ? 'The smallest possible loss is ' + text(loss[2]) + '.' : 'This point lies outside the picture.';
    if (p.loss > steps[0].loss) words += ' The loss is larger than at the start, ' + text(steps[0].loss) + '.';
    return words;
  }
  control.go(data.steps);
  img.replaceWith(root);
}
