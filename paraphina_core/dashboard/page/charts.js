// Lines over time as SVG, named at their ends, each with a colour and a dash of its own.

const NS = "http://www.w3.org/2000/svg";
const WIDTH = 440, HEIGHT = 144, LEFT = 56, RIGHT = 104, TOP = 8, BOTTOM = 18;
const DASHES = ["", "6 3", "2 3", "8 3 2 3", "1 4", "12 4"];

function make(name, attributes, text) {
  const node = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

/** Draw series, `{name: [[time_ms, value or null], ...]}`; `null` leaves a gap. */
export function draw(svg, series) {
  const all = Object.values(series).flat().filter(([, value]) => value !== null);
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  if (all.length === 0) return svg.replaceChildren(make("text", { x: LEFT, y: HEIGHT / 2 }, "nothing yet"));
  const times = all.map(([time]) => time), values = all.map(([, value]) => value);
  const first = Math.min(...times), last = Math.max(...times, first + 1000);
  let low = Math.min(...values), high = Math.max(...values);
  if (high === low) { const room = Math.abs(high) * 0.01 || 1; low -= room; high += room; }
  const x = (time) => LEFT + ((time - first) / (last - first)) * (WIDTH - LEFT - RIGHT);
  const y = (value) => TOP + ((high - value) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const nodes = [high, low].map((value) =>
    make("text", { x: LEFT - 4, y: y(value) + 4, "text-anchor": "end" }, Number(value.toPrecision(4)).toString()));
  nodes.push(make("text", { x: LEFT, y: HEIGHT - 4 }, `last ${Math.round((last - first) / 1000)} s`));
  let labelled = -Infinity;
  const ends = [];
  Object.entries(series).forEach(([name, points], number) => {
    let path = "", pen = "M";
    for (const [time, value] of points) {
      if (value === null) { pen = "M"; continue; }
      path += `${pen}${x(time).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = "L";
    }
    const style = { fill: "none", stroke: `var(--s${number % 6})`, "stroke-width": 1.8, "stroke-dasharray": DASHES[number % 6] };
    nodes.push(make("path", { d: path, ...style }));
    const end = points.findLast(([, value]) => value !== null);
    if (end && name) ends.push([y(end[1]), name, number]);
  });
  for (const [at, name, number] of ends.sort((a, b) => a[0] - b[0])) {
    labelled = Math.max(at + 4, labelled + 12);
    const label = make("text", { x: WIDTH - RIGHT + 4, y: labelled }, name.slice(0, 18));
    label.style.fill = `var(--s${number % 6})`;
    nodes.push(label);
  }
  svg.replaceChildren(...nodes);
}
