// Sliders or a map choose a run, a player goes through its steps; its path is drawn over pictures made by Matplotlib.
// data: {lrs, batches, seeds, examples, steps, first, dark}. What was computed stands in data-runs: sweep.py.
function explorer(img, data) {
  const RUN = '#D55E00', FULL = '#0072B2', SMALL = 'font-size:11px;line-height:1.5;', {lrs, batches, seeds} = data;
  const runs = JSON.parse(img.dataset.runs), loss = runs.loss, chosen = [...data.first], full = batches.indexOf(null);
  const points = new Float32Array(Uint8Array.from(atob(runs.points), c => c.charCodeAt(0)).buffer);
  let now = 0;
  function path(i, j, k, last = now) {
    const out = [];
    let at = 2 * (data.steps + 1) * ((i * batches.length + j) * seeds.length + k);
    for (let t = 0; t <= last; t++, at += 2) {
      const w = points[at], b = points[at + 1], x = w - loss[0], y = b - loss[1];
      const here = loss[2] + loss[3] * x * x + 2 * loss[4] * x * y + y * y;
      out.push({w, b, loss: here, at: [[w, b], [t, Math.log10(here + 1e-300)]]});
    }
    return out;
  }
  function text(x) {
    if (!isFinite(x)) return isNaN(x) ? 'not a number' : 'infinite';
    const short = x && (Math.abs(x) >= 1e5 || Math.abs(x) < 1e-3) ? x.toExponential(1) : +x.toPrecision(3);
    return String(short).replace(/-/g, '−');
  }
  // --- sliders above the player
  const label = `explorer of ${lrs.length * batches.length * seeds.length} runs`;
  const control = player('lk-explorer', label, data.steps, 3, step => { now = step; return update(); });
  const root = control.root;
  make('style', '', root, {textContent: darken('lk-explorer', data.dark)});
  const top = make('div', 'display:flex;flex-wrap:wrap;gap:10px 24px;margin:0 0 8px');
  root.prepend(top);
  const rows = make('div', 'display:grid;gap:4px;align-content:start;flex:1 1 340px', top);
  const sizes = batches.map(size => size ?? 'all'), choices = [lrs, sizes, seeds];
  const sliders = ['learning rate', 'batch size', 'seed'].map((ariaLabel, which) => {
    const row = make('label', 'display:flex;align-items:center;gap:10px;margin:0;font-weight:400', rows);
    make('span', 'flex:0 0 6.5em', row, {textContent: ariaLabel});
    const middle = make('span', 'flex:1 1 100px;min-width:80px', row);
    const slider = make('input', 'display:block;width:100%;margin:0;accent-color:' + hue('#0b5394'), middle,
      {type: 'range', max: choices[which].length - 1, ariaLabel, oninput: () => choose(which, +slider.value)});
    const css = SMALL + 'display:flex;justify-content:space-between;padding:0 8px';
    const ticks = make('span', css, middle, {ariaHidden: true});
    choices[which].forEach((text, i) => {
      const textContent = choices[which].length > 8 && i % 3 ? '·' : text;
      make('span', 'width:0;display:flex;justify-content:center', ticks, {textContent});
    });
    const value = make('span', 'flex:0 0 3.5em;font-weight:600;font-variant-numeric:tabular-nums', row);
    slider.onkeydown = event => {  // move this slider, not the player's
      if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation();
    };
    return () => {  // with all examples in each step, no seed changes anything
      slider.value = chosen[which];
      slider.disabled = which === 2 && chosen[1] === full;
      slider.ariaValueText = value.textContent = slider.disabled ? 'any' : choices[which][chosen[which]];
    };
  });
  function choose(which, place) {
    chosen[which] = Math.max(0, Math.min(choices[which].length - 1, place));
    control.tell(update());
  }
  // --- a map of the mean losses of all seeds after the last step
  const side = make('div', SMALL + 'flex:1 1 340px', top), start = path(0, 0, 0, 0)[0].loss;
  const grey = 'color:' + hue('#57606a');
  const map = make('div', 'display:grid;gap:1px;font-size:10px;line-height:1.7;text-align:center;' +
    `grid-template-columns:2em repeat(${lrs.length},minmax(0,1fr))`, side, {tabIndex: 0, role: 'application'});
  map.ariaLabel = 'map of the losses: the arrow keys choose learning rate and batch size';
  // .05 and not 0.05: on a phone a column is narrow.
  ['', ...lrs].forEach(lr => make('span', grey, map, {textContent: String(lr).replace(/^0/, '')}));
  const cells = sizes.map((textContent, j) => {
    make('span', grey, map, {textContent});
    return lrs.map((_, i) => {
      const ends = seeds.map((_, k) => path(i, j, k, data.steps)[data.steps].loss / seeds.length);
      const mean = ends.reduce((sum, end) => sum + end), lost = !(mean <= start);
      const dark = Math.log(start / mean) / Math.log(start / (loss[2] + start / 1e6));
      const background = lost ? hue('#fbe5d6') : `rgba(0,114,178,${0.5 * Math.min(1, dark)})`;
      const textContent = lost ? '↑' : text(+mean.toPrecision(2)), onclick = () => { chosen[1] = j; choose(0, i); };
      return make('span', 'cursor:pointer;outline-offset:-1px;background:' + background, map, {textContent, onclick});
    });
  });
  make('div', grey, side, {textContent: `Loss after ${data.steps} steps, mean of all seeds: a column for each ` +
    'learning rate, a row for each batch size. ↑ is more than at the start. Click, or use the arrow keys.'});
  map.onkeydown = event => {
    const move = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [1, -1], ArrowDown: [1, 1]}[event.key];
    if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();  // move on the map, not to another step
    choose(move[0], chosen[move[0]] + move[1]);
  };
  // --- the pictures, and over the axes of each a drawing in its pixels
  function draw(parent, tag, attributes) {
    const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
    Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
    return parent.appendChild(element);
  }
  const pictures = make('div', 'display:flex;flex-wrap:wrap;gap:8px;margin-top:8px', root);
  const share = (x, range) => (x - range[0]) / (range[1] - range[0]);
  const panels = runs.panels.map((panel, which) => {
    const card = make('div', 'position:relative;flex:1 1 320px;max-width:520px;filter:var(--picture,none)', pictures);
    make('img', 'display:block;width:100%;max-width:none;height:auto;margin:0', card,
      {src: panel.picture, alt: which ? 'loss after each step' : 'loss surface'});
    const width = 480 * panel.box[2], height = 400 * panel.box[3];
    const svg = draw(card, 'svg', {viewBox: [0, 0, width, height], fill: 'none', 'aria-hidden': 'true'});
    svg.style.cssText = 'position:absolute;max-width:none;margin:0;overflow:hidden;pointer-events:none';
    ['left', 'top', 'width', 'height'].forEach((side, i) => { svg.style[side] = 100 * panel.box[i] + '%'; });
    return {
      inside: at => at[0] >= 0 && at[0] <= width && at[1] >= 0 && at[1] <= height,
      seeds: draw(svg, 'path', {stroke: RUN, opacity: 0.3, 'stroke-width': 1.5, 'stroke-linejoin': 'round'}),
      place: p => [width * share(p.at[which][0], panel.x), height * (1 - share(p.at[which][1], panel.y))],
      full: draw(svg, 'path', {stroke: FULL, 'stroke-width': 2, 'stroke-dasharray': '7 4'}),
      line: draw(svg, 'path', {stroke: RUN, 'stroke-width': 1.8, 'stroke-linejoin': 'round'}),
      dots: draw(svg, 'path', {stroke: RUN, 'stroke-width': 5.5, 'stroke-linecap': 'round'}),
      now: draw(svg, 'circle', {r: 6, fill: RUN, stroke: '#fff', 'stroke-width': 1.5}),
    };
  });
  root.append(control.live);
  function drawn(panel, steps) {  // in pixels, until the path goes far off and does not come back
    const at = steps.map(panel.place);
    let end = at.length;
    while (end > 1 && !(Math.hypot(at[end - 1][0], at[end - 1][1]) < 1e4)) end--;  // false for NaN
    return at.slice(0, end);
  }
  function line(panel, at) {  // without the parts that begin and end outside: those of a run that is lost hide the rest
    return at.map((p, t) => (t && (panel.inside(p) || panel.inside(at[t - 1])) ? 'L' : 'M') + p).join('');
  }
  function update() {
    const steps = path(chosen[0], chosen[1], chosen[2]), p = steps[now];
    sliders.forEach(tell => tell());
    cells.forEach((row, j) => row.forEach((cell, i) => {
      cell.style.outline = i === chosen[0] && j === chosen[1] ? '2px solid ' + hue('#1b1f24') : '';
    }));
    panels.forEach(panel => {
      const at = drawn(panel, steps), last = at[at.length - 1];
      panel.line.setAttribute('d', line(panel, at));
      const others = chosen[1] === full ? [] : seeds.map((_, k) => path(chosen[0], chosen[1], k));
      panel.seeds.setAttribute('d', others.map(other => line(panel, drawn(panel, other))).join(''));
      panel.dots.setAttribute('d', 'M' + at.join('h0M') + 'h0');  // lines of no length with round ends
      panel.now.setAttribute('transform', `translate(${last})`);
      if (full >= 0) panel.full.setAttribute('d', line(panel, drawn(panel, path(chosen[0], full, 0))));
    });
    const size = batches[chosen[1]], equals = '\u00a0=\u00a0';  // never broken over two lines
    let words = now ? `After ${now} step${now > 1 ? 's' : ''}` : 'Before the first step';
    if (now && size !== null) {
      const epoch = Math.ceil(data.examples / size);
      const seen = Math.floor(now / epoch) * data.examples + now % epoch * size;
      words += `, ${seen} example${seen > 1 ? 's' : ''} seen`;
    }
    words += `: w${equals}${text(p.w)}, b${equals}${text(p.b)}, loss${equals}${text(p.loss)}.\n`;
    if (!isFinite(p.loss)) return words + 'The run has diverged, past the largest number there is.';
    const view = runs.panels[0], shown = [share(p.w, view.x), share(p.b, view.y)].every(at => at >= 0 && at <= 1);
    words += shown ? 'The smallest possible loss is ' + text(loss[2]) + '.' : 'This point lies outside the picture.';
    if (p.loss > steps[0].loss) words += ' The loss is larger than at the start, ' + text(steps[0].loss) + '.';
    return words;
  }
  control.go(data.steps);
  img.replaceWith(root);
}
