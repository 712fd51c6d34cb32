// Let the reader change the numbers that go in, and compute the graph anew. data.edit: see picture.editable.
const OPERATIONS = {  // by what stands around operands a and b: the result y, and its slope for each of them
  '−': [a => -a, () => -1], ' + ': [(a, b) => a + b, () => 1, () => 1], ' − ': [(a, b) => a - b, () => 1, () => -1],
  ' · ': [(a, b) => a * b, (a, b) => b, a => a], ' / ': [(a, b) => a / b, (a, b) => 1 / b, (a, b, y) => -y / b],
  '^': [Math.pow, (a, b) => b && b * Math.pow(a, b - 1), (a, b, y) => a || b < 0 ? y * Math.log(a) : 0],
  relu: [a => a <= 0 ? 0 : a, a => a <= 0 ? 0 : 1], sigmoid: [a => 1 / (1 + Math.exp(-a)), (a, y) => y * (1 - y)],
  exp: [Math.exp, (a, y) => y], log: [Math.log, a => 1 / a], sqrt: [Math.sqrt, (a, y) => 0.5 / y],
  sin: [Math.sin, Math.cos], cos: [Math.cos, a => -Math.sin(a)], tanh: [Math.tanh, (a, y) => 1 - y * y]
};
// At most four digits, as everywhere in the picture.
function digits(x) {
  const short = +x.toPrecision(4), size = Math.abs(short);
  const plain = !size || size >= 1e-4 && size < 1e4 || size < 1e6 && short === x;
  const text = plain ? String(short) : short.toExponential().replace('+', '');
  return text.replace('Infinity', '∞').replace(/-/g, '−');
}
function bracketed(x) { return x < 0 ? `(${digits(x)})` : digits(x); }
function read(text) { return +(text.trim().replace(/−/g, '-').replace(',', '.') || NaN); }
function edit(data, svg, control) {
  const {captions, edit: {nodes}} = data, sheet = svg.parentNode;
  const edges = data.edit.edges.map(([source, target]) => ({source: nodes[source], target: nodes[target]}));
  const passed = data.edit.passed.map(e => edges[e]), computed = nodes.filter(node => node.work);
  const groups = [...svg.querySelectorAll(':scope > g')], boxes = groups.slice(edges.length);
  const texts = group => [...group.querySelectorAll('text')];
  // Each text that ends in a number, and what gives this number.
  const shown = edges.map((edge, i) => [texts(groups[i]).pop(), () => edge.slope]).filter(([text]) => text);
  nodes.forEach((node, i) => {
    const rows = texts(boxes[i]), sums = rows.filter(row => row.textContent[0] === '∂');
    sums.forEach((row, k) => shown.push([row, () => node.sums[k]]));
    if (node.work || node.free) shown.push([rows[node.work ? 1 : 0], () => node.value]);
  });
  // Values and slopes, then what each arrow adds to the gradient of its source, and the sum up to there.
  function compute() {
    edges.forEach(edge => { edge.slope = 0; });
    nodes.forEach(node => { node.sums = []; });
    computed.forEach(node => {
      const inputs = [...node.work.matchAll(/\?(\d+)/g)].map(found => edges[found[1]]);
      const x = inputs.map(edge => edge.source.value), around = node.work.replace(/\(?\?\d+\)?/g, '');
      const power = /^\^?(−?[\d.]{1,4})$/.exec(around.normalize('NFKC'));  // of more digits, the text has not all
      if (power) x.push(read(power[1]));
      const [result, ...slopes] = OPERATIONS[power ? '^' : around] ?? [() => NaN];
      node.value = result(...x);
      inputs.forEach((edge, k) => { edge.slope += slopes[k]?.(...x, node.value); });
    });
    passed[0].target.sums.push(1);
    passed.forEach(edge => {
      const {sums} = edge.source;
      edge.added = edge.target.sums.at(-1) * edge.slope;
      edge.sum = (sums.at(-1) ?? 0) + edge.added;
      sums.push(edge.sum);
    });
  }
  function write([text, number]) {
    const rect = text.closest('svg > g').querySelector('rect'), end = text.lastChild.lastChild ?? text.lastChild;
    text.letter ??= text.getAttribute('textLength') / text.textContent.length;  // its width
    end.data = end.data.replace(/\S*$/, digits(number()));
    const long = Math.round(text.letter * text.textContent.length);
    text.setAttribute('textLength', Math.min(long, rect ? rect.getAttribute('width') - 8 : 130));
    text.dataset.number = number();  // in full, for who looks inside
  }
  function again() {
    const filled = (_, open, e) => open + (open ? digits : bracketed)(edges[e].source.value);
    compute();
    shown.forEach(write);
    const told = [
      ...computed.map(node => [`${node.work.replace(/(\(?)\?(\d+)/g, filled)} = ${digits(node.value)}`]), ['1'],
      ...passed.map(({target, slope, added, sum}) =>
        [`\t${digits(target.sums.at(-1))}\t × \f${bracketed(slope)}\f = ${digits(added)}`, sum]),
      ...nodes.filter(node => !node.work && node.sums.length).map(node => [digits(node.sums.at(-1))])
    ];
    data.captions = captions.map(text => text.replace(/ = [^=∂;\n]+( = [^=;\n]+)?(?=;|$)/gm, old => {
      const [numbers, sum] = told.shift();
      return ` = ${numbers}` + (old.includes(', together ') ? `, together ${digits(sum)}` : '');
    }));
    control.again();
  }
  compute();
  const right = ([text, number]) =>
    Math.abs(read(text.textContent.split(' ').pop()) - number()) < 2e-3 * Math.abs(number()) + 1e-6;
  if (!shown.every(right)) return;  // an unknown operation or something else made them
  svg.role = 'group';  // a picture would hide what is in it
  make('style', '', sheet, {textContent: '.lk-graph label input:not(:focus){opacity:0}'});
  nodes.forEach((node, i) => {
    if (!node.free) return;
    const rect = boxes[i].querySelector('rect'), title = boxes[i].querySelector('title').textContent;
    const percent = (side, of) => 100 * rect.getAttribute(side) / svg.getAttribute(of) + '%';
    const label = make('label', `position:absolute;margin:0;left:${percent('x', 'width')};top:${percent('y', 'height')};` +
      `width:${percent('width', 'width')};height:${percent('height', 'height')}`, sheet, {title});
    make('span', 'position:absolute;left:100%;top:-9px;font-size:14px', label, {textContent: '✎'});
    const field = make('input', 'position:absolute;top:0;left:calc(50% - 45px);width:90px;box-sizing:border-box;' +
      'text-align:center;font:inherit', label, {ariaLabel: title, value: node.value, onclick: () => field.select()});
    field.onchange = () => {
      const x = read(field.value), isNew = isFinite(x);
      if (isNew) node.value = x;
      field.value = node.value;
      if (isNew) again();
    };
    field.onkeydown = event => {
      event.stopPropagation();  // the keys of the player are those of a field, too
      if (event.key === 'Escape') field.value = node.value;
      if (event.key === 'Escape' || event.key === 'Enter') sheet.parentNode.focus();
    };
  });
}
