import qrcode from 'qrcode-generator';

// Left alone it takes the lower byte of each letter.
qrcode.stringToBytes = text => [...new TextEncoder().encode(text)];

/** The path of the dark modules in an SVG where each is one by one, and how many a side has. */
export function path(size: number, isDark: (row: number, column: number) => boolean): string {
    let drawn = '';
    for (let row = 0; row < size; row++) {
        for (let column = 0; column < size; column++) {
            if (!isDark(row, column)) continue;
            const start = column;
            while (column + 1 < size && isDark(row, column + 1)) column++;
            const width = column - start + 1;
            drawn += `M${start} ${row}h${width}v1h-${width}z`;
        }
    }
    return drawn;
}

/** A text as a QR code. */
export function qr(text: string): { size: number; path: string } {
    // As small as the text allows, and readable with a fold or a stain (15 %).
    const code = qrcode(0, 'M');
    code.addData(text);
    code.make();
    const size = code.getModuleCount();
    return { size, path: path(size, (row, column) => code.isDark(row, column)) };
}
