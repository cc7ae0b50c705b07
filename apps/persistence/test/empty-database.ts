// An empty database that keeps its indexes: making them anew takes longer than most tests.

import type { Db } from 'mongodb'

export async function emptyDatabase(db: Db): Promise<void> {
  const collections = await db.collections()
  await Promise.all(collections.map((collection) => collection.deleteMany({})))
}
