import { lookup, type LookupAddress } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";

/**
 * Inside is what cannot be the world: this computer and networks that are not routed on the internet. Sinks other than
 * the forwarder hold members' readings as they are, so that they write inside only, unless the site file names the
 * host outside in so many words.
 */
const inside = new BlockList();
// RFC 1122 3.2.1.3, RFC 1918, RFC 3927, RFC 6598; RFC 4291 2.5.3 and 2.5.6, RFC 4193.
inside.addSubnet("127.0.0.0", 8, "ipv4");
inside.addSubnet("10.0.0.0", 8, "ipv4");
inside.addSubnet("172.16.0.0", 12, "ipv4");
inside.addSubnet("192.168.0.0", 16, "ipv4");
inside.addSubnet("169.254.0.0", 16, "ipv4");
inside.addSubnet("100.64.0.0", 10, "ipv4");
inside.addAddress("::1", "ipv6");
inside.addSubnet("fe80::", 10, "ipv6");
inside.addSubnet("fc00::", 7, "ipv6");

/** Names that no public name server answers for: RFC 6761, RFC 6762, RFC 8375, ICANN's `internal`. */
const INSIDE_NAMES = [
  /^localhost$/,
  /\.localhost$/,
  /\.local$/,
  /\.home\.arpa$/,
  /\.internal$/,
  /\.lan$/,
  /^[^.]+$/,
];

const bare = (host: string): string =>
  host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "");

export const isInsideAddress = (address: string): boolean => {
  const family = isIP(address);
  return family !== 0 && inside.check(address, family === 6 ? "ipv6" : "ipv4");
};

/** Whether a host of the site file is inside, as far as its spelling tells; `[::1]` as in a URL or bare. */
export function isInsideHost(host: string): boolean {
  const name = bare(host);
  return isIP(name) === 0 ? INSIDE_NAMES.some((one) => one.test(name)) : isInsideAddress(name);
}

/** Why a URL may not be written to, or undefined where it may. `outside` is the host that the site file allows. */
export function outsideProblem(url: string, outside: string | undefined): string | undefined {
  const { hostname } = new URL(url);
  if (outside !== undefined && bare(outside) !== bare(hostname))
    return `outsideHost allows ${outside}, but the url names ${bare(hostname)}`;
  if (isInsideHost(hostname) || outside !== undefined) return undefined;
  return (
    `${bare(hostname)} is not an address of this computer or of a private network: members' readings would leave ` +
    `the village without their consent. If that is meant, write outsideHost: ${bare(hostname)}`
  );
}

/**
 * A name may turn out to be a public address. This looks names up as Node does, and gives an address that is inside
 * or an error.
 */
export const insideLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, found: LookupAddress[]) => {
    if (error) return callback(error, "", 0);
    const usable = found.filter(({ address }) => isInsideAddress(address));
    const [first] = usable;
    if (!first)
      return callback(new Error(`${hostname} is ${found[0]?.address}, outside of the village`), "", 0);
    return options.all ? callback(null, usable) : callback(null, first.address, first.family);
  });
};
