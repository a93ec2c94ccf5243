export function buildProgram(gl: WebGL2RenderingContext, vertex: string, fragment: string): WebGLProgram {
  const program = gl.createProgram();
  for (const [kind, source] of [
    [gl.VERTEX_SHADER, vertex],
    [gl.FRAGMENT_SHADER, fragment],
  ] as const) {
    const shader = gl.createShader(kind);
    if (shader === null) throw new Error("WebGL gives no shader.");
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
    gl.deleteShader(shader);
  }
  gl.linkProgram(program);
  if (gl.getProgramParameter(program, gl.LINK_STATUS) !== true && !gl.isContextLost()) {
    throw new Error(`The shader does not link: ${gl.getProgramInfoLog(program) ?? ""}`);
  }
  return program;
}

/** Uniform locations by name, looked up once. */
export function uniformsOf<Name extends string>(
  gl: WebGL2RenderingContext,
  program: WebGLProgram,
  names: readonly Name[],
): Record<Name, WebGLUniformLocation | null> {
  const pairs = names.map((name) => [name, gl.getUniformLocation(program, name)] as const);
  return Object.fromEntries(pairs) as Record<Name, WebGLUniformLocation | null>;
}

/** A rectangle of the picture, drawn as two triangles. `u_area` is x, y, width, height in ImagePx. */
export const RECTANGLE_VERTEX = `#version 300 es
uniform vec4 u_area;
uniform vec3 u_camera; // zoom, x, y
uniform vec2 u_view;   // CSS pixels
out vec2 image;
void main() {
  vec2 corner = vec2(float(gl_VertexID & 1), float(gl_VertexID >> 1));
  image = u_area.xy + corner * u_area.zw;
  vec2 view = image * u_camera.x + u_camera.yz;
  gl_Position = vec4(view.x / u_view.x * 2.0 - 1.0, 1.0 - view.y / u_view.y * 2.0, 0.0, 1.0);
}`;
