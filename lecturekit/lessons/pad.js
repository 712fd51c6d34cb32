// A pad to draw a digit on, and the network that reads it. It needs no kernel and no connection.

// The probabilities of the ten digits for 64 pixels between 0 and 1: each layer is a matrix and a bias.
function probabilities(layers, pixels) {
  let values = pixels;
  layers.forEach((layer, depth) => {
    values = layer.bias.map((bias, row) => values.reduce((sum, value, i) => sum + layer.weight[row][i] * value, bias));
    if (depth < layers.length - 1) values = values.map(value => Math.max(0, value));
  });
  const powers = values.map(value => Math.exp(value - Math.max(...values)));
  const total = powers.reduce((sum, power) => sum + power);
  return powers.map(power => power / total);
}

// The weights, written as the bytes of 32-bit floats: for each layer its matrix, row by row, then its bias.
function readLayers(sizes, base64) {
  const numbers = [...new Float32Array(Uint8Array.from(atob(base64), letter => letter.charCodeAt(0)).buffer)];
  const take = count => numbers.splice(0, count);
  return sizes.slice(1).map((outputs, depth) => (
    {weight: Array.from({length: outputs}, () => take(sizes[depth])), bias: take(outputs)}));
}

// Draw strokes, lists of points [x, y] between 0 and 1, on a canvas: scaled, after moving the corner `low` to 0.
function trace(brush, strokes, scale, low, pen) {
  brush.lineWidth = pen;
  brush.lineCap = brush.lineJoin = 'round';
  strokes.forEach(stroke => {
    brush.beginPath();
    [...stroke, stroke.at(-1)].forEach(point => {  // the last one twice, so that a dot is drawn, too
      brush.lineTo((point[0] - low[0]) * scale, (point[1] - low[1]) * scale);
    });
    brush.stroke();
  });
}

// Reduce strokes to 8 × 8 pixels between 0 and 1, as the data were: draw them 32 × 32 with a pen of this width, and
// count the black ones of each block of 4 × 4. fit: first fill the square with them.
function reduce(strokes, pen, fit) {
  const brush = make('canvas', '', null, {width: 32, height: 32}).getContext('2d'), pixels = new Array(64).fill(0);
  let scale = 32, low = [0, 0];
  if (fit && strokes.length) {
    const ends = [0, 1].map(axis => {
      const along = strokes.flat().map(point => point[axis]);
      return [Math.min(...along), Math.max(...along)];
    });
    scale = (32 - pen) / Math.max(ends[0][1] - ends[0][0], ends[1][1] - ends[1][0], 0.1);
    low = ends.map(end => (end[0] + end[1]) / 2 - 16 / scale);
  }
  trace(brush, strokes, scale, low, pen);
  brush.getImageData(0, 0, 32, 32).data.forEach((value, i) => {
    if (i % 4 === 3 && value > 127) pixels[8 * (i >> 9) + (i >> 4) % 8] += 1 / 16;
  });
  return pixels;
}

// What the pad is made of. On dark pages its paper stays white, and ink black.
function page(dark) {
  const row = digit => `<div class="line"><span>${digit}</span><span class="bar"></span><span></span></div>`;
  return `<style>
    .lk-pad{background:${hue('#ffffff')};color:${hue('#1b1f24')};color-scheme:var(--scheme,light);border-radius:6px;
      display:flex;flex-wrap:wrap;gap:12px;max-width:760px;box-sizing:border-box;padding:12px;text-align:left;
      font:15px/1.4 system-ui,sans-serif}
    .lk-pad canvas{display:block;width:208px;height:208px;background:#ffffff;border:1px solid ${hue('#57606a')};
      margin:4px 0}
    .lk-pad .paper{touch-action:none;cursor:crosshair}
    .lk-pad :focus-visible{outline:3px solid ${hue('#0b5394')};outline-offset:1px}
    .lk-pad .line{display:flex;align-items:center;gap:6px;height:22px;font-variant-numeric:tabular-nums}
    .lk-pad .bar{height:14px;background:${hue('#0b5394')}}
    .lk-pad button{font:inherit;color:inherit;background:${hue('#f2f3f5')};border:1px solid ${hue('#57606a')};
      border-radius:5px;padding:3px 12px;margin:0}
    .lk-pad .cursor{display:block;min-height:1.4em}
    .lk-pad label{flex:1 1 300px;color:inherit;margin:0;font-weight:400}
    ${darken('lk-pad', dark)}
    </style>
    <div>Draw a digit here<canvas class="paper" width="208" height="208" role="img"
    aria-label="Paper: draw with the mouse or a finger. With the keyboard, use the grid that follows."></canvas></div>
    <div>What the network sees<canvas class="grid" width="208" height="208" tabindex="0" role="application"
    aria-label="Grid of 8 by 8 pixels: arrow keys move, space draws or erases a pixel"></canvas>
    <span class="cursor" aria-live="polite"></span></div>
    <div><span class="answer" aria-live="polite"></span>${[...Array(10).keys()].map(row).join('')}</div>
    <label><input type="checkbox" checked> move to the middle and make it large, as the data were</label>
    <button type="button">Clear</button>`;
}

// Put the pad in the place of its picture. data: {sizes, pen, dark}; the weights stand in the image's data-weights.
function pad(img, data) {
  const layers = readLayers(data.sizes, img.dataset.weights);
  const root = make('div', '', null, {className: 'lk-pad', role: 'group', ariaLabel: 'Drawing pad'});
  root.innerHTML = page(data.dark);
  root.dataset.lmSuppressShortcuts = true;  // JupyterLab would take the keys for its own
  const paper = root.querySelector('.paper'), grid = root.querySelector('.grid'), fit = root.querySelector('input');
  let strokes = [], cursor = 0, pixels = new Array(64).fill(0);
  function draw() {
    let brush = paper.getContext('2d');
    brush.clearRect(0, 0, 208, 208);
    trace(brush, strokes, 208, [0, 0], 208 * data.pen / 32);
    brush = grid.getContext('2d');
    pixels.forEach((value, i) => {
      brush.fillStyle = `hsl(0 0% ${100 * (1 - value)}%)`;
      brush.fillRect(26 * (i % 8), 26 * (i >> 3), 26, 26);
    });
    brush.strokeStyle = '#d55e00';
    brush.lineWidth = 4;
    const column = cursor % 8, row = cursor >> 3, here = document.activeElement === grid;
    if (here) brush.strokeRect(26 * column + 2, 26 * row + 2, 22, 22);
    root.querySelector('.cursor').textContent =
      here ? `row ${row + 1}, column ${column + 1}: ${Math.round(100 * pixels[cursor])} % ink` : '';
    const p = probabilities(layers, pixels), best = p.indexOf(Math.max(...p)), ink = pixels.some(Boolean);
    root.querySelector('.answer').textContent =
      ink ? `I read a ${best} (${Math.round(100 * p[best])} %)` : 'Nothing is drawn yet';
    root.querySelectorAll('.bar').forEach((bar, digit) => {
      bar.style.width = (ink ? 130 * p[digit] : 0) + 'px';
      bar.nextSibling.textContent = ink ? Math.round(100 * p[digit]) + ' %' : '';
    });
  }
  function again() {
    pixels = reduce(strokes, data.pen, fit.checked);
    draw();
  }
  function add(event) {
    const box = paper.getBoundingClientRect();
    strokes.at(-1).push([(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]);
    again();
  }
  paper.onpointerdown = event => {
    paper.setPointerCapture(event.pointerId);
    strokes.push([]);
    add(event);
  };
  paper.onpointermove = event => { if (paper.hasPointerCapture(event.pointerId)) add(event); };
  fit.onchange = again;
  root.querySelector('button').onclick = () => { strokes = []; again(); };
  grid.onfocus = grid.onblur = draw;
  root.onkeydown = event => {
    event.stopPropagation();
    const move = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: 8, ArrowUp: -8}[event.key];
    if (event.target !== grid || !move && event.key !== ' ') return;
    event.preventDefault();
    if (move) cursor = (cursor + move + 64) % 64;
    else pixels[cursor] = pixels[cursor] ? 0 : 1;
    draw();
  };
  draw();
  img.replaceWith(root);
}
