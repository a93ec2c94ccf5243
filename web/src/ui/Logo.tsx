import type { JSX } from "preact";

export function Logo(): JSX.Element {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
      <path d="M7.600 21.400C4.200 14.800 8.400 5.600 16.300 5c7.400-.500 11.500 5.600 9.600 11.900-1.800 6.300-7.100 9.200-11.700 8.700-3-.400-5.300-1.700-6.600-4.200z" />
      <circle cx="16.800" cy="15" r="3.600" />
    </svg>
  );
}
