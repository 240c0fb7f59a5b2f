/** Days that a recipient has to say what it deleted, where the site file says nothing else. */
export const ERASURE_DAYS = 14;
