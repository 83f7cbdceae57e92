import { ArtifactError } from '../domain/errors.js';

/** `invalid_request` about one field; the renderer lists it in `errors`. */
export const invalidField = (field: string, message: string): ArtifactError =>
  new ArtifactError('invalid_request', `${field}: ${message}`, { details: { field, message } });
