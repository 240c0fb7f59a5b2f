interface DeviceInFile {
  readonly device: string;
  readonly connection: object;
  readonly mounting?: string;
}

/** A site file's content with these devices: `meter-1`, `meter-2`, … */
export const siteWith = (devices: readonly DeviceInFile[]) => ({
  id: "site",
  name: "Site",
  timeZone: "Africa/Nairobi",
  latitude: 0,
  longitude: 37,
  elevation: 1600,
  members: [{ id: "member-1", name: "Member" }],
  devices: devices.map((one, index) => ({ id: `meter-${index + 1}`, mounting: "load", ...one })),
  broker: { port: 0 },
  portal: { port: 0 },
});
