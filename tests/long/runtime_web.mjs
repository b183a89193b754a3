// Score the files of tests/long/runtime_cases.py by onnxruntime in WebAssembly: node runtime_web.mjs CASES,
// where onnxruntime-web is installed in the current folder.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const ort = createRequire(path.resolve('package.json'))('onnxruntime-web');
ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'fatal';

const folder = process.argv[2];
const numbers = (name) => {
  const bytes = readFileSync(path.join(folder, name));
  return new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
};

let failures = 0;
const cases = JSON.parse(readFileSync(path.join(folder, 'cases.json')));
for (const { file, name, rows, features, outputs } of cases) {
  const session = await ort.InferenceSession.create(new Uint8Array(readFileSync(path.join(folder, `${file}.onnx`))));
  const { raw } = await session.run({ X: new ort.Tensor('float64', numbers(`${file}.rows`), [rows, features]) });
  const bits = (floats) => new BigInt64Array(floats.buffer, floats.byteOffset, floats.length);
  const found = bits(raw.data), wanted = bits(numbers(`${file}.raw`));
  let differ = found.length === wanted.length ? 0 : rows;
  for (let row = 0; row < rows && !(differ && found.length !== wanted.length); row++) {
    for (let k = row * outputs; k < (row + 1) * outputs; k++) {
      if (found[k] !== wanted[k]) { differ++; break; }
    }
  }
  failures += differ;
  console.log(`${name}: onnxruntime-web, ${rows} rows, ${differ} differ`);
}
console.log(`onnxruntime-web: ${cases.length} models, ${failures} failures`);
process.exit(failures ? 1 : 0);
