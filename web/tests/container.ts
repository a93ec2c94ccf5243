interface Source {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: ArrayBufferView;
}

/** safetensors bytes for tests. */
export function container(tensors: Record<string, Source>, metadata: Record<string, string> = {}): ArrayBuffer {
  const header: Record<string, unknown> = { __metadata__: metadata };
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const [name, { dtype, shape, bytes }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [at, at + bytes.byteLength] };
    parts.push(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    at += bytes.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const out = new Uint8Array(8 + json.length + at);
  new DataView(out.buffer).setBigUint64(0, BigInt(json.length), true);
  out.set(json, 8);
  let end = 8 + json.length;
  for (const part of parts) {
    out.set(part, end);
    end += part.length;
  }
  return out.buffer;
}
