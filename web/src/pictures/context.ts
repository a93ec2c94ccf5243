/** The canvas's 2D context; raises where the browser gives none. */
export function contextOf(
  canvas: OffscreenCanvas,
  settings?: CanvasRenderingContext2DSettings,
): OffscreenCanvasRenderingContext2D {
  const context = canvas.getContext("2d", settings);
  if (context === null) throw new Error("The browser gives no 2D canvas.");
  return context;
}

/** At once: a worker that allocates little else collects its garbage too seldom for canvases. */
export function free(canvas: OffscreenCanvas): void {
  canvas.width = canvas.height = 0;
}

/** The canvas as a file. It is used up. */
export async function fileOf(canvas: OffscreenCanvas, options: ImageEncodeOptions): Promise<Blob> {
  try {
    return await canvas.convertToBlob(options);
  } finally {
    free(canvas);
  }
}
