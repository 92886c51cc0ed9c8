/** Has the browser keep a file. */
export function save(content: Blob, name: string): void {
    const address = URL.createObjectURL(content);
    const link = document.createElement('a');
    link.href = address;
    link.download = name;
    link.click();
    // The browser may begin to read it only after this turn.
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** A table for spreadsheets, which take UTF-8 for something else without a mark at its beginning. */
export const csv = (text: string) => new Blob(['\ufeff', text], { type: 'text/csv;charset=utf-8' });
