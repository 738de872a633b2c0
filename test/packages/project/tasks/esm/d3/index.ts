import * as d3 from 'd3';

export async function run() {
  return { mean: d3.mean([1, 2, 3]), ticks: d3.scaleLinear().domain([0, 10]).ticks(5), path: d3.line()([[0, 0], [1, 1]]) };
}
