/** Cryptography in plain arithmetic, for pages without WebCrypto (ed25519.js). */
export declare function sha256(message: ArrayLike<number> & Iterable<number>): Uint8Array;
export declare function sha512(message: ArrayLike<number> & Iterable<number>): Uint8Array;
export declare function verifyEd25519(key: Uint8Array, signature: Uint8Array, message: Uint8Array): boolean;
