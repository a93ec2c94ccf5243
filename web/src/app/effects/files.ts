/** The pictures' files. */
export interface FileShelf {
  put(id: number, file: File): void;
  get(id: number): Promise<Blob | null>;
}
