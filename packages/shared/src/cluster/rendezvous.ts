// Who should have what, without a word between the nodes: each key goes to the node of the highest
// weight, so that a node that comes or goes moves only its own share. Pure, and fixed for a cluster's
// life: all nodes must come to the same answer.

/** The nodes, the one of the highest weight for `key` first. */
export function rendezvousOrder(key: string | number, nodes: readonly string[]): string[] {
  const seed = hash(String(key), 0x81_1c_9d_c5)
  return nodes
    .map((node) => ({ node, weight: mix(hash(node, seed)) }))
    .sort((a, b) => b.weight - a.weight || (a.node < b.node ? -1 : 1))
    .map(({ node }) => node)
}

/** FNV-1a. */
function hash(text: string, seed: number): number {
  let value = seed
  for (let i = 0; i < text.length; i += 1) value = Math.imul(value ^ text.charCodeAt(i), 0x01_00_01_93)
  return value
}

/** MurmurHash3's finalizer: without it names that differ in their last letter only are ordered alike. */
function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85_eb_ca_6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2_b2_ae_35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
