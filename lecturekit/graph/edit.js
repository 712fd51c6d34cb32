// Let the reader change the numbers that go in, and compute the graph anew. data.edit: see picture.editable.
const OPERATIONS = {  // what an operation of a and b gives, and its slopes; y is its result
  '−?': [a => -a, () => -1],
  '? + ?': [(a, b) => a + b, () => 1, () => 1], '? − ?': [(a, b) => a - b, () => 1, () => -1],
  '? · ?': [(a, b) => a * b, (a, b) => b, a => a], '? / ?': [(a, b) => a / b, (a, b) => 1 / b, (a, b, y) => -y / b],
  '?^?': [Math.pow, (a, b) => b && b * Math.pow(a, b - 1), (a, b, y) => a || b < 0 ? y * Math.log(a) : 0],
  'relu(?)': [a => a <= 0 ? 0 : a, a => a <= 0 ? 0 : 1], 'exp(?)': [Math.exp, (a, b, y) => y],
  'log(?)': [Math.log, a => 1 / a], 'sqrt(?)': [Math.sqrt, (a, b, y) => 0.5 / y],
  'sin(?)': [Math.sin, Math.cos], 'cos(?)': [Math.cos, a => -Math.sin(a)],
  'tanh(?)': [Math.tanh, (a, b, y) => 1 - y * y], 'sigmoid(?)': [a => 1 / (1 + Math.exp(-a)), (a, b, y) => y * (1 - y)]
};
// All values, gradients with their partial sums, the slope of each edge and what it adds, and each work with numbers in
// the place of its edges.
function compute(graph, known) {
  const values = [...known], work = [], slopes = graph.edges.map(() => 0), added = [];
  const sums = known.map((x, i) => i === graph.target ? [1] : []), gradients = sums.map(sum => sum.length);
  graph.work.forEach((text, i) => {
    if (!text) return;
    const form = text.replace(/\?\d+/g, '?').replace(/(^|\s)\(\?\)/g, '$1?');
    const power = /^\?\^?(−?\d\.\d\d?|[⁻⁰¹²³⁴-⁹]+)$/.exec(form);  // of more digits, the expression has not all
    const edges = [...text.matchAll(/\?(\d+)/g)].map(edge => +edge[1]), x = edges.map(e => values[graph.edges[e][0]]);
    if (power) x.push(+power[1].replace(/[^\d.]/g, c => '--0123456789'['−⁻⁰¹²³⁴⁵⁶⁷⁸⁹'.indexOf(c)]));
    const [result, ...slope] = OPERATIONS[power ? '?^?' : form] ?? [() => NaN], y = values[i] = result(...x);
    edges.forEach((e, k) => { slopes[e] += slope[k]?.(x[0], x[1], y); });
    work[i] = text.replace(/\(?\?\d+/g, edge => edge[0] === '(' ? '(' + digits(x.shift()) : bracketed(x.shift()));
  });
  graph.terms.forEach(e => {
    const [source, target] = graph.edges[e];
    added[e] = gradients[target] * slopes[e];
    gradients[source] += added[e];
    sums[source].push(gradients[source]);
  });
  return {values, gradients, slopes, added, sums, work};
}
// At most four digits, as everywhere in the picture.
function digits(x) {
  if (!isFinite(x)) return isNaN(x) ? 'NaN' : x > 0 ? '∞' : '−∞';
  const short = +x.toPrecision(4), size = Math.abs(short);
  const plain = !size || size >= 1e-4 && size < 1e4 || size < 1e6 && short === x;
  return (plain ? String(short) : short.toExponential().replace('+', '')).replace(/-/g, '−');
}
function bracketed(x) { return x < 0 ? `(${digits(x)})` : digits(x); }
function edit(data, svg, control) {
  const graph = data.edit, words = data.captions, known = [...graph.known], sheet = svg.parentNode;
  const groups = [...svg.querySelectorAll(':scope > g')], nodes = groups.slice(graph.edges.length);
  const texts = group => [...group.querySelectorAll('text')];
  function numbers(all) {  // each text that ends in a number, with the number
    const found = graph.edges.map((edge, e) => [texts(groups[e]).pop(), all.slopes[e]]);
    nodes.forEach((group, i) => {
      const rows = texts(group);
      rows.filter(row => row.textContent[0] === '∂').forEach((row, k) => found.push([row, all.sums[i][k]]));
      if (graph.work[i] !== null) found.push([rows[graph.work[i] ? 1 : 0], all.values[i]]);
    });
    return found.filter(([text]) => text);
  }
  function write([text, number]) {
    const rect = text.closest('svg > g').querySelector('rect');
    text.letter ??= text.getAttribute('textLength') / text.textContent.length;  // its width
    let node = text;
    while (node.lastChild) node = node.lastChild;
    node.data = node.data.replace(/\S*$/, digits(number));
    const long = Math.round(text.letter * text.textContent.length);
    text.setAttribute('textLength', Math.min(long, rect ? rect.getAttribute('width') - 8 : 130));
    text.dataset.number = number;  // in full, for who looks inside
  }
  const shown = text => +text.textContent.replace(/^.*\s/, '').replace(/−/g, '-');
  const right = ([text, number]) => Math.abs(shown(text) - number) < 2e-3 * Math.abs(number) + 1e-6;
  if (!numbers(compute(graph, known)).every(right)) return;  // an unknown operation or something else made them
  function again() {
    const all = compute(graph, known), last = words.length - 1, terms = [...graph.terms];
    const rewrite = (line, ...numbers) => line.split(' = ').slice(0, -2).concat(numbers).join(' = ');
    let step = 0;
    numbers(all).forEach(write);
    all.work.forEach((work, i) => {
      step++;
      words[step] = rewrite(words[step], work, digits(all.values[i]));
    });
    for (step += 2; step < last; step++)
      words[step] = words[step].split('\n').map(line => {
        const e = terms.shift(), [source, target] = graph.edges[e];
        const together = line.includes(', together ') ? ', together ' + digits(all.gradients[source]) : '';
        const product = `\t${digits(all.gradients[target])}\t × \f${bracketed(all.slopes[e])}\f`;
        return rewrite(line, product, digits(all.added[e]) + together);
      }).join('\n');
    const leaves = all.gradients.filter((gradient, i) => graph.work[i] === '' && all.sums[i].length);
    words[last] = words[last].replace(/= [^;]*/g, () => '= ' + digits(leaves.shift()));
    control.again();
  }
  svg.role = 'group';  // a picture would hide what is in it
  make('style', '', sheet, {textContent: '.lk-graph label input:not(:focus){opacity:0}'});
  nodes.forEach((group, i) => {
    if (graph.work[i] !== '') return;
    const rect = group.querySelector('rect'), title = group.querySelector('title').textContent;
    const percent = (side, of) => 100 * rect.getAttribute(side) / svg.getAttribute(of) + '%';
    const label = make('label', `position:absolute;margin:0;left:${percent('x', 'width')};top:${percent('y', 'height')};` +
      `width:${percent('width', 'width')};height:${percent('height', 'height')}`, sheet, {title});
    make('span', 'position:absolute;left:100%;top:-9px;font-size:14px', label, {textContent: '✎'});
    const field = make('input', 'position:absolute;top:0;left:calc(50% - 45px);width:90px;box-sizing:border-box;' +
      'text-align:center;font:inherit', label, {ariaLabel: title, value: known[i]});
    field.onclick = () => field.select();
    field.onchange = () => {
      const text = field.value.trim().replace('−', '-').replace(',', '.'), x = +text;
      if (text && isFinite(x)) {
        known[i] = x;
        again();
      }
      field.value = known[i];
    };
    field.onkeydown = event => {
      event.stopPropagation();  // the keys of the player are those of a field, too
      if (event.key === 'Escape') field.value = known[i];
      if (event.key === 'Escape' || event.key === 'Enter') sheet.parentNode.focus();
    };
  });
}
