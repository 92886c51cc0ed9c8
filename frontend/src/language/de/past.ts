import type english from '../en/past';

const words: typeof english = {};

export default words;
