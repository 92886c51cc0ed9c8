/** Something that is so or not, and those who want to know when it turns. */
export class Flag {
    private readonly listeners = new Set<() => void>();
    private value = false;

    readonly get = (): boolean => this.value;

    readonly subscribe = (listener: () => void): (() => void) => {
        this.listeners.add(listener);
        return () => {
            this.listeners.delete(listener);
        };
    };

    set(value: boolean): void {
        if (value === this.value) return;
        this.value = value;
        for (const listener of [...this.listeners]) listener();
    }

    /** At once, or when it turns to that. */
    until(value: boolean): Promise<void> {
        return new Promise(resolve => {
            const look = () => {
                if (this.value !== value) return;
                stop();
                resolve();
            };
            const stop = this.subscribe(look);
            look();
        });
    }
}
