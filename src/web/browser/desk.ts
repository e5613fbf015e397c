/**
 * The script of the desk: reads files on this device, so that only statements about them are sent.
 */

import type { DeskMessageKey } from '../../messages/desk/en.ts'
import { createSay } from '../../messages/say.ts'
import type { DeskData } from '../desk/choose.ts'
import { startChoosing } from './desk-choose.ts'
import { startFolder } from './desk-folder.ts'
import { PAGE_DATA_ID } from './page-data.ts'

const data = JSON.parse(document.getElementById(PAGE_DATA_ID)?.textContent ?? '{}') as DeskData
const say = createSay<DeskMessageKey>(data.lang, data.messages)
if (document.getElementById('folder') === null) startChoosing(say, data)
else startFolder(say, data)
