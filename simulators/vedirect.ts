import type { Disturbance } from "./faults.ts";
import { openPtyPair } from "./pty.ts";

/**
 * A Victron MPPT charge controller on its VE.Direct port: unasked, once a second, a block of `key TAB value` lines
 * whose bytes add up to 0 modulo 256 (VE.Direct Protocol 3.34, "Message format" and "Data integrity").
 */
export interface ControllerView {
  readonly serial: string;
  /** V, and A into the battery (negative while the lamps take more than the panel gives). */
  readonly batteryVoltage: number;
  readonly batteryCurrent: number;
  readonly panelVoltage: number;
  /** W. */
  readonly panelPower: number;
  readonly loadCurrent: number;
  /** Wh since it was new, today and yesterday, and the days' highest W. */
  readonly yieldTotal: number;
  readonly yieldToday: number;
  readonly yieldYesterday: number;
  readonly maxToday: number;
  readonly maxYesterday: number;
  readonly batteryFull: boolean;
  /** 0 to 364. */
  readonly daySequence: number;
}

export type Fields = readonly (readonly [key: string, value: string])[];

/** State of operation: 0 off, 3 bulk, 5 float. */
const OFF = "0";
const BULK = "3";
const FLOAT = "5";
/** H19, H20 and H22 count in 0.01 kWh. */
const WH_A_STEP = 10;

export function controllerFields(view: ControllerView): Fields {
  const milli = (value: number): string => String(Math.round(value * 1_000));
  const steps = (wh: number): string => String(Math.floor(wh / WH_A_STEP));
  return [
    ["PID", "0xA042"],
    ["FW", "123"],
    ["SER#", view.serial],
    ["V", milli(view.batteryVoltage)],
    ["I", milli(view.batteryCurrent)],
    ["VPV", milli(view.panelVoltage)],
    ["PPV", String(view.panelPower)],
    ["CS", view.panelPower <= 0 ? OFF : view.batteryFull ? FLOAT : BULK],
    ["ERR", "0"],
    ["LOAD", "ON"],
    ["IL", milli(view.loadCurrent)],
    ["H19", steps(view.yieldTotal)],
    ["H20", steps(view.yieldToday)],
    ["H21", String(view.maxToday)],
    ["H22", steps(view.yieldYesterday)],
    ["H23", String(view.maxYesterday)],
    ["HSDS", String(view.daySequence)],
  ];
}

/** One text block with its check sum. */
export function textBlock(fields: Fields): Buffer {
  const lines = fields.map(([key, value]) => `\r\n${key}\t${value}`).join("");
  const body = Buffer.from(`${lines}\r\nChecksum\t`, "latin1");
  const sum = body.reduce((total, byte) => total + byte, 0);
  return Buffer.concat([body, Buffer.from([-sum & 0xff])]);
}

/** One HEX frame, as it may stand between two blocks: its command and bytes add up to 0x55 with the check byte. */
export function hexFrame(command: number, payload: Uint8Array): Buffer {
  const sum = payload.reduce((total, byte) => total + byte, command);
  const bytes = Buffer.concat([payload, Buffer.from([(0x55 - sum) & 0xff])]);
  return Buffer.from(`:${command.toString(16)}${bytes.toString("hex")}`.toUpperCase() + "\n", "latin1");
}

/** A BMV-700 battery monitor on its VE.Direct port. */
export interface MonitorView {
  /** V, A and W; positive into the battery. */
  readonly voltage: number;
  readonly current: number;
  readonly power: number;
  /** %. */
  readonly stateOfCharge: number;
  /** Wh that the battery gave and took since the monitor was built in. */
  readonly discharged: number;
  readonly charged: number;
  /** Wh that are missing to full, and minutes until it is empty; -1 where it never is. */
  readonly missing: number;
  readonly minutesLeft: number;
}

/** Its fields come in two blocks, one after the other. */
export function monitorBlocks(view: MonitorView): readonly Fields[] {
  const milli = (value: number): string => String(Math.round(value * 1_000));
  const steps = (wh: number): string => String(Math.floor(wh / WH_A_STEP));
  return [
    [
      ["PID", "0x203"],
      ["V", milli(view.voltage)],
      ["I", milli(view.current)],
      ["P", String(Math.round(view.power))],
      ["CE", String(-Math.round((view.missing / view.voltage) * 1_000))],
      ["SOC", String(Math.round(view.stateOfCharge * 10))],
      ["TTG", String(Math.round(view.minutesLeft))],
      ["Alarm", "OFF"],
      ["Relay", "OFF"],
      ["AR", "0"],
      ["BMV", "700"],
      ["FW", "0308"],
    ],
    [
      ["H17", steps(view.discharged)],
      ["H18", steps(view.charged)],
    ],
  ];
}

export interface ControllerOptions {
  readonly link?: string;
  readonly view: () => ControllerView;
  readonly disturbance?: Disturbance;
  /** Real time between two blocks. */
  readonly periodMs?: number;
}

export interface Controller extends AsyncDisposable {
  readonly path: string;
}

/** Any device with a VE.Direct port: the blocks of one turn. */
export type PortOptions = Omit<ControllerOptions, "view"> & { readonly blocks: () => readonly Fields[] };

const PERIOD_MS = 1_000;
/** After this many turns comes a HEX frame, as from a controller that an app once looked at. */
const TURNS_A_HEX_FRAME = 7;
const ASYNC_COMMAND = 0xa;
/** Register 0xEDF0, battery maximum current, flags, 15 A: little endian as HEX frames are. */
const MAXIMUM_CURRENT = Uint8Array.of(0xf0, 0xed, 0x00, 0x96, 0x00);

/** @throws FieldwattError PTY_FAILED */
export const openController = ({ view, ...rest }: ControllerOptions): Promise<Controller> =>
  openVedirectPort({ ...rest, blocks: () => [controllerFields(view())] });

/** @throws FieldwattError PTY_FAILED */
export async function openVedirectPort(options: PortOptions): Promise<Controller> {
  const { link, blocks: blocksOf, disturbance, periodMs = PERIOD_MS } = options;
  const pty = await openPtyPair({ ...(link !== undefined && { link }) });
  let turns = 0;
  const send = (): void => {
    if (disturbance?.dead) return;
    for (const block of blocksOf().map(textBlock)) pty.write(disturbance?.garble(block, "serial") ?? block);
    if (++turns % TURNS_A_HEX_FRAME === 0) pty.write(hexFrame(ASYNC_COMMAND, MAXIMUM_CURRENT));
  };
  const timer = setInterval(send, periodMs + (disturbance?.delayMs ?? 0));
  return {
    path: pty.path,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await pty[Symbol.asyncDispose]();
    },
  };
}
