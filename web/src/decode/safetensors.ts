import { halvesToFloats } from "./half";

/** Reader of the safetensors format: 8 bytes of header length, a JSON header, raw little-endian tensors. */
export interface StoredTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

export interface SafeTensors {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

export class SafeTensorsError extends Error {}

const BYTES: Readonly<Record<string, number>> = {
  I8: 1,
  U8: 1,
  BOOL: 1,
  F16: 2,
  I16: 2,
  F32: 4,
  I32: 4,
  F64: 8,
  I64: 8,
};
const LARGEST_HEADER = 16 * 1024 * 1024;

interface HeaderEntry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

export function readSafeTensors(buffer: ArrayBuffer): SafeTensors {
  if (buffer.byteLength < 8) throw new SafeTensorsError("The file is too short to be safetensors.");
  const view = new DataView(buffer);
  const length = Number(view.getBigUint64(0, true));
  if (length > LARGEST_HEADER || 8 + length > buffer.byteLength) {
    throw new SafeTensorsError("The safetensors header does not fit in the file.");
  }
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length))) as Record<string, unknown>;
  const tensors = new Map<string, StoredTensor>();
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(header)) {
    if (name === "__metadata__") metadata = value as Record<string, string>;
    else tensors.set(name, readTensor(name, value as HeaderEntry, buffer, 8 + length));
  }
  return { metadata, tensors };
}

function readTensor(name: string, entry: HeaderEntry, buffer: ArrayBuffer, start: number): StoredTensor {
  const [from, to] = entry.data_offsets;
  const count = entry.shape.reduce((product, size) => product * size, 1);
  const width = BYTES[entry.dtype];
  if (width === undefined || from < 0 || to < from || start + to > buffer.byteLength || to - from !== count * width) {
    throw new SafeTensorsError(`The tensor ${name} does not fit its description.`);
  }
  return { dtype: entry.dtype, shape: entry.shape, bytes: new Uint8Array(buffer, start + from, to - from) };
}

export function tensorOf(file: SafeTensors, name: string): StoredTensor {
  const tensor = file.tensors.get(name);
  if (tensor === undefined) throw new SafeTensorsError(`The tensor ${name} is missing.`);
  return tensor;
}

/** The tensor as float32. int8 values are multiplied by the scale of their channel (axis 1 of [1, C, H, W]). */
export function floatsOf(tensor: StoredTensor, scales?: readonly number[]): Float32Array {
  const copy = tensor.bytes.slice().buffer;
  switch (tensor.dtype) {
    case "F32":
      return new Float32Array(copy);
    case "F16":
      return halvesToFloats(new Uint16Array(copy));
    case "I8":
      return dequantise(new Int8Array(copy), tensor.shape, scales);
    default:
      throw new SafeTensorsError(`Tensors of type ${tensor.dtype} cannot be read as numbers with a fraction.`);
  }
}

export function dequantise(values: Int8Array, shape: readonly number[], scales?: readonly number[]): Float32Array {
  const channels = shape[1] ?? 0;
  if (scales?.length !== channels) throw new SafeTensorsError("An int8 tensor needs one scale for each channel.");
  const out = new Float32Array(values.length);
  const plane = shape.slice(2).reduce((product, size) => product * size, 1);
  for (let i = 0; i < values.length; i++) {
    const scale = scales[Math.floor(i / plane) % channels] ?? 1;
    out[i] = (values[i] ?? 0) * Math.fround(scale);
  }
  return out;
}
