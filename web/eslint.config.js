import js from "@eslint/js";
import prettier from "eslint-config-prettier";
import tseslint from "typescript-eslint";

/** The rooms of the house. A room may import itself and the rooms named here, nothing else. */
const rooms = {
  geometry: [],
  text: [],
  api: [],
  storage: ["geometry", "formats/crc32"],
  offline: [],
  formats: ["geometry"],
  pictures: ["geometry"],
  decode: ["geometry", "formats", "pictures"],
  tools: ["geometry", "app/actions"],
  canvas: ["geometry"],
  app: ["geometry", "tools", "text"],
  ui: ["app", "geometry", "canvas", "tools", "text"],
};
const everyRoom = [
  "api",
  "app",
  "canvas",
  "decode",
  "formats",
  "geometry",
  "offline",
  "storage",
  "text",
  "tools",
  "ui",
];

/** text/ is imported by its folder. */
const indexOf = (room) => (room === "text" ? ["../text", "../../text"] : []);

function ruleFor(room, allowed) {
  const closed = everyRoom.filter((other) => other !== room && !allowed.includes(other));
  const exceptions = allowed.filter((name) => name.includes("/")).map((name) => `!../${name}`);
  return {
    files: [`src/${room}/**/*.{ts,tsx}`],
    ignores: room === "app" ? ["src/app/effects/**"] : [],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: closed.map((other) => ({
            group: [`../${other}/*`, `../../${other}/*`, ...indexOf(other), ...exceptions],
            message: `${room}/ may not know ${other}/ (see docs/architecture.md).`,
          })),
        },
      ],
    },
  };
}

export default tseslint.config(
  { ignores: ["node_modules/", "dist/", "src/api/schema.d.ts"] },
  js.configs.recommended,
  {
    files: ["**/*.{ts,tsx}"],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/no-non-null-assertion": "error",
      "@typescript-eslint/no-confusing-void-expression": [
        "error",
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      "@typescript-eslint/consistent-type-definitions": "off",
      "max-lines": ["error", 300],
      eqeqeq: ["error", "always", { null: "ignore" }],
    },
  },
  {
    files: ["src/app/effects/**"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [{ group: ["../../ui/*", "../../canvas/*"], message: "The effects may not know what is painted." }],
        },
      ],
    },
  },
  ...Object.entries(rooms).map(([room, allowed]) => ruleFor(room, allowed)),
  {
    files: ["scripts/**"],
    languageOptions: { globals: { process: "readonly", console: "readonly", URL: "readonly" } },
  },
  {
    files: ["public/**"],
    languageOptions: { globals: { document: "readonly", localStorage: "readonly" } },
  },
  prettier,
);
