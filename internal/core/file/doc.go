// Package file keeps files that merchants upload, such as evidence of a dispute,
// and the links by which others read them.
//
// A file's content is cut into chunks of [ChunkSize], each sealed under a data
// key of the file's own, which is sealed under the master key. Chunks are written
// first, a few in each step, and the file last: a file that is there is whole, and
// chunks whose file never came are deleted after a day. When a file's time is over
// its data key is erased and its chunks are deleted; what is known of it stays.
//
// A link's address carries the link and a MAC over it, so that nobody finds one
// by guessing. It works until the link expires, or the file does.
package file
