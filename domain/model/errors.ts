/** Every fault that the house names. Tests assert the code; people read the message. */
export const ERRORS = {
  SITE_FILE_INVALID: "The site file has errors",
  SITE_FILE_UNREADABLE: "The site file cannot be read",
  POLICY_FILE_INVALID: "The policy file has errors",
  POLICY_REFUSED: "A step of a vote or a certificate is refused",
  HUB_FILE_INVALID: "The hub file has errors",
  HUB_FILE_UNREADABLE: "The hub file cannot be read",
  HUB_BUSY: "The hub has too many messages of one gateway waiting",
  DEVICE_FILE_INVALID: "A device file has errors",
  DEVICE_UNKNOWN: "No device file has that id",
  DEVICE_TIMEOUT: "A device gave no answer in time",
  DEVICE_REFUSED: "A device answered with an exception",
  DEVICE_GARBLED: "A device's answer is damaged or belongs to another request",
  UPDATE_REFUSED: "An update of a node is not one that may be installed, or did not take",
  JOB_RUNNING: "A job at the field nodes is going on",
  JOB_FAILED: "The gateway could not do what was asked at a field node",
  BUS_CLOSED: "A bus cannot be opened or has closed",
  BUS_BUSY: "Too many readings wait for one bus",
  DECODE_INPUT_INVALID: "The input to decode is not in a known form",
  RECORD_CLOSED: "The record is closed",
  RECORD_FAILED: "The record could not commit",
  RECORD_UNDATED_FULL: "Too many readings wait for the time",
  RECORD_NEWER: "The record was written by a newer program",
  RECORD_BUSY: "Another process has the record open",
  RECORD_BLOCK_DAMAGED: "A packed block of readings is damaged",
  BACKUP_DAMAGED: "A backup is damaged, or the passphrase is another",
  BACKUP_INVALID: "A file is no backup that this program knows",
  BACKUP_NO_ROOM: "There is no room for a backup",
  CLOCK_REFUSED: "A time cannot be taken",
  BROKER_FAILED: "The broker cannot listen",
  PORT_BUSY: "The port is in use",
  FOLDER_UNWRITABLE: "The folder cannot be written",
  OPTION_INVALID: "An option is wrong",
  KEY_INVALID: "A key cannot be read",
  SIGNATURE_INVALID: "A signature does not verify",
  PROOF_INVALID: "A proof does not hold",
  MESSAGE_INVALID: "A message is not in a known form",
  MESSAGE_TOO_LARGE: "A message is larger than its limit",
  HUB_UNREACHABLE: "The hub cannot be reached, or does not answer",
  WITNESS_UNREACHABLE: "A witness of the egress log cannot be reached, or does not answer",
  SIGN_IN_REFUSED: "The sign-in was refused",
  STORAGE_FAILED: "The hub's storage failed",
  ACTUATOR_FAILED: "An actuator did not take what it was told",
  SMS_FAILED: "A modem did not take a short message",
  FLOWS_MISSING: "Node-RED is not installed",
  PTY_FAILED: "A pseudo-terminal pair cannot be made",
  BUS_FILE_INVALID: "The file of a simulated bus has errors",
  CHILD_FAILED: "A process of the demo ended by itself",
} as const;

export type ErrorCode = keyof typeof ERRORS;

export class FieldwattError extends Error {
  override readonly name = "FieldwattError";
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export const hasCode = (error: unknown, code: ErrorCode): boolean =>
  error instanceof FieldwattError && error.code === code;

/** The sentence of any thrown thing, for a log line or a page. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
