// The text of a file. No spreadsheet says in it how it has written it.

export interface Decoded {
    text: string;
    encoding: 'UTF-8' | 'UTF-16' | 'windows-1252';
}

/** UTF-16 where its mark says so, and UTF-8 if it is that; else as spreadsheets write it in Europe and America. */
export function decode(bytes: Uint8Array): Decoded {
    const read = (encoding: string) => new TextDecoder(encoding, { fatal: encoding === 'utf-8' }).decode(bytes);
    const [first, second] = bytes;
    if (first === 0xff && second === 0xfe) return { text: read('utf-16le'), encoding: 'UTF-16' };
    if (first === 0xfe && second === 0xff) return { text: read('utf-16be'), encoding: 'UTF-16' };
    try {
        return { text: read('utf-8'), encoding: 'UTF-8' };
    } catch {
        return { text: read('windows-1252'), encoding: 'windows-1252' };
    }
}
