import type english from '../en/operations';

const words: typeof english = {};

export default words;
