import { describe, expect, it } from 'vitest';
import { device } from './device';

const WEBKIT = 'AppleWebKit/537.36 (KHTML, like Gecko)';

describe('a user agent in words', () => {
    it.each([
        ['Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0', 'Firefox', 'Linux'],
        [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${WEBKIT} Chrome/126.0.0.0 Safari/537.36`, 'Chrome', 'Windows'],
        [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${WEBKIT} Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0`, 'Edge', 'Windows'],
        [`Mozilla/5.0 (Linux; Android 10; K) ${WEBKIT} Chrome/126.0.0.0 Mobile Safari/537.36`, 'Chrome', 'Android'],
        [`Mozilla/5.0 (Linux; Android 14) ${WEBKIT} SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36`, 'Samsung Internet', 'Android'],
        [
            'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
            'Safari', 'iPhone',
        ],
        [
            'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15',
            'Safari', 'macOS',
        ],
    ])('%s', (text, browser, system) => {
        expect(device(text)).toEqual({ browser, system });
    });

    it('names programs that are no browsers as they name themselves', () => {
        expect(device('curl/7.88.1').browser).toBe('curl');
        expect(device('Python-urllib/3.11').browser).toBe('Python-urllib');
        expect(device('HTTPie/3.2.2').browser).toBe('HTTPie');
    });

    it('is empty when nothing was said', () => {
        expect(device('')).toEqual({ browser: '', system: undefined });
        expect(device('(odd)').browser).toBe('');
    });
});
