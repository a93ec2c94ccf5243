export const pictures = {
  "command.next": "Next picture",
  "command.previous": "Previous picture",
  "strip.label": "Pictures of this workspace",
  "strip.entry": "{name}, {state}, objects: {count}",
  "strip.waiting": "waiting",
  "strip.encoding": "encoding",
  "strip.encoded": "encoded",
  "strip.failed": "failed",
  "strip.count": "{at} of {count}",
  "strip.remove": "Remove {name} from the workspace",
  "strip.remove.sure": "Remove {name}? Its {count} objects go with it.",
  "strip.remove.begun": "Remove {name}? What you began there goes with it.",
  "strip.add": "Add pictures",
  "problem.picture_lost": "The browser does not have this picture any more. Open its file again.",
  "problem.storage_quota":
    "The browser's storage is full. Work goes on, but will not outlive this page: export it, or remove pictures.",
  "problem.storage_short":
    "The browser's storage has no room for these pictures ({detail}). They are opened, but will not outlive this page: remove others, or pack the workspace.",
  "problem.storage_broken":
    "The browser's storage does not work. Work goes on, but will not outlive this page. {detail}",
  "problem.storage_unreadable":
    "The work that the browser keeps could not be read. It is left untouched: reload to try again. What you do until then does not outlive this page.",
  "problem.storage_damaged":
    "What was drawn in {detail} pictures cannot be read any more. The pictures themselves are here.",
  "problem.storage_busy": "Another tab holds an older version of this page open. Close it and reload.",
  "problem.storage_nearly_full":
    "The browser's storage is {detail} % full. Export your work, or remove pictures that are done.",
  "problem.storage_elsewhere": "This workspace is open in another tab. What you do here does not outlive this tab.",
  "problem.opened_some": "{detail} files were no pictures and were left out.",
  "problem.url_refused":
    "This page loads nothing from other hosts. Save the picture and drop the file, or copy and paste the picture itself.",
  "problem.zip_broken": "This ZIP cannot be read.",
  "problem.zip_too_large": "This ZIP holds more than the page takes.",
  "problem.tiff_unreadable": "Some TIFFs cannot be read here; save them as PNG. Left out: {detail}.",
  "problem.tiff_too_large": "Some TIFFs hold more than the page takes. Left out: {detail}.",
  "tiff.page": "{name}, page {page}",
  "job.pages": "Reading pages of TIFFs",

  "open.more": "Other ways to open",
  "open.folder": "Open a folder",
  "open.camera": "Take a photo",

  "place.elsewhere": "Your workspace is open in another tab.",
  "place.take": "Bring it here",
  "place.yielded": "This workspace went to another tab",
  "place.yielded.kept": "All of your work is kept, and is there.",
  "place.yielded.unkept": "Not everything could be kept. Download the workspace before you leave this tab.",
  "place.save": "Download the workspace",
  "place.back": "Bring it back here",
} as const;
