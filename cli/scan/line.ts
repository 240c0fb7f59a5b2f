/** How the bits of a byte lie on a serial line: `9600 8N1`, `9600 7E1`. */
export interface Line {
  readonly baudRate: number;
  readonly parity: "none" | "even" | "odd";
  /** 8 where absent. */
  readonly dataBits?: 7 | 8;
}

export const lineName = ({ baudRate, parity, dataBits = 8 }: Line): string =>
  `${baudRate} ${dataBits}${parity.slice(0, 1).toUpperCase()}1`;
