// A protobuf writer for messages full of instants: the library turns every int64 into a BigInt, checks it and takes
// it apart again, a third of what encoding a record costs. The bytes are the library's to the last bit.

import { BinaryWriter } from '@bufbuild/protobuf/wire'

export class Int64Writer extends BinaryWriter {
  override int64(value: string | number | bigint): this {
    if (typeof value !== 'number' || value < 0 || !Number.isSafeInteger(value)) return super.int64(value)
    if (value < 2 ** 32) return this.uint32(value)
    // Seven bits a byte, each but the last with its high bit set: four bytes at once, then what is above 28 bits.
    const low = value & 0xfffffff
    const spread = (low & 0x7f) | ((low & 0x3f80) << 1) | ((low & 0x1fc000) << 2) | ((low & 0xfe00000) << 3)
    return this.fixed32((spread | 0x80808080) >>> 0).uint32(Math.floor(value / 2 ** 28))
  }
}
