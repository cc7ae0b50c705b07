// Protobuf fields this build does not know, by tag: opaque here, carried through by the codec.

export type UnknownFields = Readonly<Record<number, readonly Uint8Array[]>>
