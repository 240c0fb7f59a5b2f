/** How a device is reached, before the system has chosen ports and terminals. */
export type Transport =
  | { readonly kind: "modbus-tcp"; readonly server: string; readonly unit: number }
  | { readonly kind: "modbus-rtu"; readonly bus: string; readonly baudRate: number; readonly unit: number }
  | { readonly kind: "serial"; readonly port: string; readonly baudRate: number }
  | { readonly kind: "mqtt" };
