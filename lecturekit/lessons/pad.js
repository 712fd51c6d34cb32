// A pad to draw a digit on, and the network that reads it. It needs no kernel and no connection.

// The probabilities of the ten digits for 64 pixels between 0 and 1: each layer is a matrix and a bias.
function probabilities(layers, pixels) {
  var values = pixels;
  layers.forEach(function (layer, depth) {
    values = layer.bias.map(function (bias, row) {
      return values.reduce(function (sum, value, i) { return sum + layer.weight[row][i] * value; }, bias);
    });
    if (depth < layers.length - 1) values = values.map(function (value) { return Math.max(0, value); });
  });
  var powers = values.map(function (value) { return Math.exp(value - Math.max.apply(null, values)); });
  var total = powers.reduce(function (sum, power) { return sum + power; });
  return powers.map(function (power) { return power / total; });
}

// The weights, written as the bytes of 32-bit floats: for each layer its matrix, row by row, then its bias.
function readLayers(sizes, base64) {
  var bytes = Uint8Array.from(atob(base64), function (letter) { return letter.charCodeAt(0); });
  var numbers = Array.from(new Float32Array(bytes.buffer));
  function take(count) { return numbers.splice(0, count); }
  return sizes.slice(1).map(function (outputs, depth) {
    return {weight: Array.from({length: outputs}, function () { return take(sizes[depth]); }), bias: take(outputs)};
  });
}

// Draw strokes, lists of points [x, y] between 0 and 1, on a canvas: scaled, after moving the corner `low` to 0.
function trace(brush, strokes, scale, low, pen) {
  brush.lineWidth = pen;
  brush.lineCap = brush.lineJoin = 'round';
  strokes.forEach(function (stroke) {
    brush.beginPath();
    stroke.concat([stroke[stroke.length - 1]]).forEach(function (point) {  // so that a dot is drawn, too
      brush.lineTo((point[0] - low[0]) * scale, (point[1] - low[1]) * scale);
    });
    brush.stroke();
  });
}

// Reduce strokes to 8 × 8 pixels between 0 and 1, as the data were: draw them 32 × 32 with a pen of this width, and
// count the black ones of each block of 4 × 4. fit: first fill the square with them.
function reduce(doc, strokes, pen, fit) {
  var canvas = doc.createElement('canvas'), brush = canvas.getContext('2d'), pixels = new Array(64).fill(0);
  canvas.width = canvas.height = 32;
  var points = [].concat.apply([], strokes), scale = 32, low = [0, 0];
  if (fit && points.length) {
    var ends = [0, 1].map(function (axis) {
      var along = points.map(function (point) { return point[axis]; });
      return [Math.min.apply(null, along), Math.max.apply(null, along)];
    });
    scale = (32 - pen) / Math.max(ends[0][1] - ends[0][0], ends[1][1] - ends[1][0], 0.1);
    low = ends.map(function (end) { return (end[0] + end[1]) / 2 - 16 / scale; });
  }
  trace(brush, strokes, scale, low, pen);
  brush.getImageData(0, 0, 32, 32).data.forEach(function (value, i) {
    if (i % 4 === 3 && value > 127) pixels[8 * (i >> 9) + (i >> 4) % 8] += 1 / 16;
  });
  return pixels;
}

// Put the pad in the place of its picture. data: {sizes, pen, html}; the weights stand in the image's data-weights.
function pad(img, data) {
  img.onload = null;
  var doc = img.ownerDocument, root = doc.createElement('div'), strokes = [], cursor = 0;
  var layers = readLayers(data.sizes, img.getAttribute('data-weights')), pixels = new Array(64).fill(0);
  root.className = 'lk-pad';
  root.innerHTML = data.html;
  root.setAttribute('role', 'group');  // slides leave it its keys
  root.setAttribute('aria-label', 'Drawing pad');
  root.setAttribute('data-lm-suppress-shortcuts', 'true');  // JupyterLab would take the keys for its own
  var paper = root.querySelector('.paper'), grid = root.querySelector('.grid'), fit = root.querySelector('input');
  function draw() {
    var brush = paper.getContext('2d');
    brush.clearRect(0, 0, 208, 208);
    trace(brush, strokes, 208, [0, 0], 208 * data.pen / 32);
    brush = grid.getContext('2d');
    pixels.forEach(function (value, i) {
      brush.fillStyle = 'hsl(0 0% ' + 100 * (1 - value) + '%)';
      brush.fillRect(26 * (i % 8), 26 * (i >> 3), 26, 26);
    });
    brush.strokeStyle = '#d55e00';
    brush.lineWidth = 4;
    if (doc.activeElement === grid) brush.strokeRect(26 * (cursor % 8) + 2, 26 * (cursor >> 3) + 2, 22, 22);
    var p = probabilities(layers, pixels), best = p.indexOf(Math.max.apply(null, p)), ink = pixels.some(Boolean);
    root.querySelector('.cursor').textContent = doc.activeElement !== grid ? '' : 'row ' + ((cursor >> 3) + 1) + ', column ' + (cursor % 8 + 1) + ': ' +
      Math.round(100 * pixels[cursor]) + ' % ink';
    root.querySelector('.answer').textContent =
      ink ? 'I read a ' + best + ' (' + Math.round(100 * p[best]) + ' %)' : 'Nothing is drawn yet';
    root.querySelectorAll('.bar').forEach(function (bar, digit) {
      bar.style.width = (ink ? 130 * p[digit] : 0) + 'px';
      bar.nextSibling.textContent = ink ? Math.round(100 * p[digit]) + ' %' : '';
    });
  }
  function again() { pixels = reduce(doc, strokes, data.pen, fit.checked); draw(); }
  function add(event) {
    var box = paper.getBoundingClientRect();
    strokes[strokes.length - 1].push([(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]);
    again();
  }
  paper.onpointerdown = function (event) {
    paper.setPointerCapture(event.pointerId);
    strokes.push([]);
    add(event);
  };
  paper.onpointermove = function (event) { if (paper.hasPointerCapture(event.pointerId)) add(event); };
  fit.onchange = again;
  root.querySelector('button').onclick = function () { strokes = []; again(); };
  grid.onfocus = grid.onblur = draw;
  root.onkeydown = function (event) {
    event.stopPropagation();
    var move = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: 8, ArrowUp: -8}[event.key];
    if (event.target !== grid || !move && event.key !== ' ') return;
    event.preventDefault();
    if (move) cursor = (cursor + move + 64) % 64;
    else pixels[cursor] = pixels[cursor] ? 0 : 1;
    draw();
  };
  draw();
  img.replaceWith(root);
}
