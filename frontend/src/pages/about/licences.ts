/** The main works of others in the page and the server. */
export const LICENCES: readonly (readonly [name: string, licence: string])[] = [
    ['React', 'MIT'], ['react-admin', 'MIT'], ['MUI', 'MIT'], ['TanStack Query', 'MIT'], ['React Router', 'MIT'], ['Emotion', 'MIT'],
    ['uPlot', 'MIT'], ['Papa Parse', 'MIT'], ['qrcode-generator', 'MIT'], ['eventsource-parser', 'MIT'], ['Material Icons', 'Apache-2.0'],
    ['axum', 'MIT'], ['Tokio', 'MIT'], ['hyper', 'MIT'], ['Serde', 'MIT OR Apache-2.0'], ['reqwest', 'MIT OR Apache-2.0'],
    ['libgit2', 'GPL-2.0 with linking exception'],
];
