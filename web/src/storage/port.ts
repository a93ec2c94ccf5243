/** What is kept of one picture beside its file and its document. */
export interface PictureRecord {
  readonly id: number;
  readonly name: string;
  /** The file's size. */
  readonly bytes: number;
  readonly width: number | null;
  readonly height: number | null;
  readonly imageId: string | null;
}

export interface WorkspaceIndex {
  /** In the filmstrip's order. */
  readonly pictures: readonly PictureRecord[];
  readonly active: number | null;
  /** Ids from here on were never given to anything. */
  readonly nextId: number;
  /** Labels and the like, as the page has them. */
  readonly extra: unknown;
}

/** One decoding's or change's masks; `payload` can be cloned by the browser. */
export interface StoredResult {
  readonly step: number;
  readonly picture: number;
  readonly payload: unknown;
}

/** What one moment of work changes: kept wholly or not at all. */
export interface Changes {
  readonly index?: WorkspaceIndex;
  readonly documents?: readonly { readonly picture: number; readonly document: unknown }[];
  readonly results?: readonly StoredResult[];
  readonly forgotten?: readonly number[];
}

/** `taken`: another page has the workspace. */
export type StorageCode = "quota" | "broken" | "busy" | "taken";

export class StorageError extends Error {
  constructor(
    readonly code: StorageCode,
    message: string,
  ) {
    super(message);
  }
}

/** Where the workspace outlives the page. */
export interface WorkspaceStore {
  /** Why it lasts no longer than the page (`unreadable`: what is kept could not be read and is left alone); null: it does. */
  readonly fleeting: "unavailable" | "elsewhere" | "unreadable" | null;
  /** null: nothing is kept. Raises StorageError where it cannot be read. */
  load(): Promise<WorkspaceIndex | null>;
  /** Raises StorageError. */
  save(changes: Changes): Promise<void>;
  saveFile(picture: number, file: Blob): Promise<void>;
  loadFile(picture: number): Promise<Blob | null>;
  /** One that cannot be read is undefined. */
  loadDocuments(): Promise<readonly { readonly picture: number; readonly document: unknown }[]>;
  loadResult(step: number): Promise<StoredResult | null>;
  saveEmbedding(key: string, bytes: ArrayBuffer): Promise<void>;
  loadEmbedding(key: string): Promise<ArrayBuffer | null>;
  /** Its file, document and results. */
  removePicture(picture: number): Promise<void>;
  /**
   * Removes what is left of pictures that are not `known`: a page that was closed in the middle of something leaves such. Ids
   * from `nextId` on may have been given since.
   */
  tidy(known: readonly number[], nextId: number): Promise<void>;
  estimate(): Promise<{ readonly usage: number; readonly quota: number } | null>;
  /** Asks the browser not to clear this away when it needs room elsewhere. */
  persist(): Promise<void>;
  close(): void;
}
