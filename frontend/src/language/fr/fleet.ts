import type english from '../en/fleet';

const words: typeof english = {};

export default words;
