/** The public face of the drivers: device → samples. */
export { loadCatalogue, loadDefinitions, type Catalogue, type Definitions } from "./catalogue.ts";
export { completeConnection, completeSwitch, type WrittenConnection } from "./connection.ts";
export type { DeviceDefinition, Dialect, Table } from "./definition.ts";
export { busOf, type Connection, type Decoded, type Problem, type ProblemCode } from "./driver.ts";
export { openNodeBook, type NodeBook, type NodeEntry } from "./field-link/book.ts";
export { isNode, openNodeBus, type LineSettings, type NodeBus, type RelayOrder } from "./field-link/bus.ts";
export { openNodeDesk, type NodeDesk } from "./field-link/desk.ts";
export { bytesFromHex } from "./hex.ts";
export {
  isModbus,
  openModbusBus,
  type BusOptions,
  type ModbusBus,
  type ModbusConnection,
} from "./modbus/bus.ts";
export type { CoilWrite } from "./modbus/pdu.ts";
export { decodeRegisters, decodeRtu, parseRegisters, type Registers } from "./modbus/dump.ts";
export { decodeLorawan, type LorawanPayload } from "./lorawan/decode.ts";
export { deviceMemory, type DeviceMemory } from "./mqtt/memory.ts";
export { decodeMessage, type DeviceMessage } from "./mqtt/message.ts";
export { readSenml, timeOfRecord, type SenmlRecord } from "./mqtt/senml.ts";
export { sparkplugMetrics, type SparkplugMetric } from "./mqtt/sparkplug.ts";
export { decodeSerialBytes, decodeSerialTelegrams } from "./serial/decode.ts";
export { decodeTelegramBytes, openTelegramReader } from "./telegram/codecs.ts";
export { isAsked, openTelegramBus, type TelegramBus } from "./telegram/bus.ts";
export {
  TELEGRAM_PROTOCOLS,
  type IndexedTelegram,
  type TelegramProtocol,
  type TelegramReader,
} from "./telegram/telegram.ts";
export { sendSms, SMS_LETTERS_MAX, smsText, type ModemPort } from "./serial/modem.ts";
export { openSerialStream, type SerialConnection, type StreamOptions } from "./serial/stream.ts";
export { withOptions } from "./options.ts";
export { openPlausibility } from "./plausible.ts";
