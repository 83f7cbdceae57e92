/** Bytes of a well-formed text in UTF-8, without anything of Node: the sandbox runs this too. */
export const utf8Bytes = (text: string): number => encodeURIComponent(text).replaceAll(/%../g, '.').length;
