import { locale } from ".";

const formats = new Map<string, Intl.NumberFormat>();

function formatted(value: number, options: Intl.NumberFormatOptions): string {
  const key = `${locale()} ${JSON.stringify(options)}`;
  let format = formats.get(key);
  if (format === undefined) formats.set(key, (format = new Intl.NumberFormat(locale(), options)));
  return format.format(value);
}

/** With exactly so many decimals, in the language's digits and separators. */
export function numberText(value: number, decimals = 0): string {
  return formatted(value, { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

/** Of a fraction: 0.42 is "42%". */
export function percentText(fraction: number): string {
  return formatted(fraction, { style: "percent", maximumFractionDigits: 0 });
}

/** "740 kB", "4.2 MB": as decimal units, which file dialogs show too. */
export function bytesText(bytes: number): string {
  const megabytes = bytes / 1e6;
  const [value, unit] = megabytes < 1 ? [Math.max(1, bytes / 1e3), "kilobyte"] : [megabytes, "megabyte"];
  const decimals = megabytes >= 1 && megabytes < 9.95 ? 1 : 0;
  return formatted(value, { style: "unit", unit, minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}
