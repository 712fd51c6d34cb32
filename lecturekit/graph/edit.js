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
// All values and gradients, the slope of each edge, what each term adds and makes of its gradient, and each work with
// numbers in the place of its edges.
function compute(graph, known) {
  const values = [...known], work = [], slopes = graph.edges.map(() => 0), added = [], sums = [];
  const gradients = known.map((x, i) => +(i === graph.target));
  graph.work.forEach((text, i) => {
    if (!text) return;
    const form = text.replace(/\?\d+/g, '?').replace(/(^|\s)\(\?\)/g, '$1?'), power = /^\?\^?([^?]+)$/.exec(form);
    const edges = text.match(/\?\d+/g).map(edge => +edge.slice(1)), x = edges.map(e => values[graph.edges[e][0]]);
    if (power) x.push(+power[1].replace(/[^\d.]/g, c => '--0123456789'['−⁻⁰¹²³⁴⁵⁶⁷⁸⁹'.indexOf(c)]));
    const [result, ...slope] = OPERATIONS[power ? '?^?' : form], y = values[i] = result(...x);
    edges.forEach((e, k) => { slopes[e] += slope[k](x[0], x[1], y); });
    work[i] = text.replace(/\(?\?\d+/g, edge => edge[0] === '(' ? '(' + digits(x.shift()) : bracketed(x.shift()));
  });
  graph.terms.forEach((e, k) => {
    const [source, target] = graph.edges[e];
    added[k] = gradients[target] * slopes[e];
    sums[k] = gradients[source] += added[k];
  });
  return {values, gradients, slopes, added, sums, work};
}
// At most four digits, as everywhere in the picture.
function digits(x) {
  if (!isFinite(x)) return isNaN(x) ? 'NaN' : x > 0 ? '∞' : '−∞';
  const long = x.toExponential(25), tie = /^-?.{4}[02468]50*e/.test(long);  // Python rounds it to the even digit
  const short = +(tie ? long.replace(/50*e/, 'e') : x.toPrecision(4)), size = Math.abs(short);
  const plain = !size || size >= 1e-4 && size < 1e4 || size < 1e6 && short === x;
  return (plain ? String(short) : short.toExponential().replace('+', '')).replace(/-/g, '−');
}
function bracketed(x) { return x < 0 ? `(${digits(x)})` : digits(x); }
function edit(data, svg, control) {
  const graph = data.edit, words = data.captions, known = [...graph.known];
  const groups = [...svg.querySelectorAll(':scope > g')], nodes = groups.slice(graph.edges.length);
  const texts = group => [...group.querySelectorAll('text')];
  function numbers(all) {  // each text that ends in a number, with the number
    const found = graph.edges.map((edge, e) => [texts(groups[e]).pop(), all.slopes[e]]);
    nodes.forEach((group, i) => {
      const sums = all.sums.filter((sum, k) => graph.edges[graph.terms[k]][0] === i), rows = texts(group);
      rows.filter(row => row.textContent[0] === '∂').forEach((row, k) => found.push([row, sums.length ? sums[k] : 1]));
      if (graph.work[i] !== null) found.push([rows[graph.work[i] ? 1 : 0], all.values[i]]);
    });
    return found.filter(([text]) => text);
  }
  function write([text, number]) {
    const long = text.textContent.length, rect = text.closest('svg > g').querySelector('rect');
    let node = text;
    while (node.lastChild) node = node.lastChild;
    node.data = node.data.replace(/\S*$/, digits(number));
    text.long = (text.long || +text.getAttribute('textLength')) + 8 * (text.textContent.length - long);
    text.setAttribute('textLength', Math.min(text.long, rect ? rect.getAttribute('width') - 8 : 130));
  }
  const shown = text => +text.textContent.replace(/^.*\s/, '').replace(/−/g, '-');
  const right = ([text, number]) => Math.abs(shown(text) - number) < 2e-3 * Math.abs(number) + 1e-6;
  if (!numbers(compute(graph, known)).every(right)) return;  // something else made these numbers
  function again() {
    const all = compute(graph, known), last = words.length - 1;
    let step = 0, k = 0;
    numbers(all).forEach(write);
    all.work.forEach((work, i) => {
      const [name, expression] = words[++step].split(' = ');
      words[step] = [name, expression, work, digits(all.values[i])].join(' = ');
    });
    for (step += 2; step < last; step++)
      words[step] = words[step].replace(/\t[^\t]*\t × \f[^\f]*\f = [^\s,]+(, together.*)?/g, (_, together) => {
        const e = graph.terms[k], gradient = digits(all.gradients[graph.edges[e][1]]), sum = digits(all.sums[k]);
        return `\t${gradient}\t × \f${bracketed(all.slopes[e])}\f = ${digits(all.added[k++])}` +
          (together ? ', together ' + sum : '');
      });
    const sources = graph.terms.map(e => graph.edges[e][0]);
    const leaves = graph.work.map((_, i) => i).filter(i => graph.work[i] === '' && sources.includes(i));
    words[last] = words[last].replace(/= [^;]*/g, () => '= ' + digits(all.gradients[leaves.shift()]));
    control.again();
  }
  svg.role = 'group';  // a picture would hide the buttons in it
  nodes.forEach((group, i) => {
    if (graph.work[i] !== '') return;
    const rect = group.querySelector('rect'), pencil = texts(group)[0].cloneNode();
    const {x, y, width} = rect.getBBox(), place = {x: x + width + 7, y: y + 7, 'font-size': 14, textLength: 11};
    Object.entries(place).forEach(([name, value]) => pencil.setAttribute(name, value));
    pencil.textContent = '✎';
    group.append(pencil);
    group.style.cursor = 'pointer';
    const label = () => Object.assign(group, {ariaLabel: `${graph.names[i]} = ${digits(known[i])}, change it`});
    label().role = 'button';
    group.tabIndex = 0;
    group.onclick = () => {
      const at = rect.getBoundingClientRect(), from = svg.getBoundingClientRect();
      const field = make('input', 'position:absolute;box-sizing:border-box;width:90px;text-align:center;font:inherit;' +
        `left:${(at.left + at.right) / 2 - from.left - 45}px;top:${at.top - from.top}px`, svg.parentNode);
      function end(keep) {
        const text = field.value.trim().replace('−', '-').replace(',', '.'), x = +text;
        field.onblur = null;
        field.remove();
        if (!keep || !text || !isFinite(x) || x === known[i]) return;
        known[i] = x;
        label();
        again();
      }
      Object.assign(field, {ariaLabel: 'new value of ' + graph.names[i], value: known[i], onblur: () => end(true)});
      field.select();
      field.onkeydown = event => {
        event.stopPropagation();  // the keys of the player are those of a field, too
        if (event.key === 'Enter' || event.key === 'Escape') { end(event.key === 'Enter'); group.focus(); }
      };
    };
    group.onkeydown = event => {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault();
      group.onclick();
    };
  });
}
