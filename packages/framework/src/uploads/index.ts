/**
 * Forms with files, as a stream of parts or saved in temporary files.
 *
 * @module @tsgi/framework/uploads
 */
export {
  DEFAULT_MULTIPART_LIMITS,
  readMultipart,
  type FieldPart,
  type FilePart,
  type MultipartLimits,
  type Part,
} from "./multipart.ts";
export { upload, uploads, type Upload, type UploadedForm, type UploadOptions } from "./save.ts";
