import { errorCodes } from '../../protocol/error-codes.ts'
import { createAcls } from '../../protocol/messages/create-acls.ts'
import { deleteAcls } from '../../protocol/messages/delete-acls.ts'
import { describeAcls } from '../../protocol/messages/describe-acls.ts'
import { register } from '../requests/register.ts'

/* DescribeAcls (29), CreateAcls (30), DeleteAcls (31), versions 1 to 3: there is no authorizer, so every response is SECURITY_DISABLED. */

const refusal = { errorCode: errorCodes.SECURITY_DISABLED, errorMessage: 'No Authorizer is configured on the broker' }

/** Serves DescribeAcls. */
export const describeAclsRegistration = register(describeAcls, () => () => ({ ...refusal, resources: [] }))

/** Serves CreateAcls. */
export const createAclsRegistration = register(createAcls, () => ({ creations }) => ({
  results: creations.map(() => refusal),
}))

/** Serves DeleteAcls. */
export const deleteAclsRegistration = register(deleteAcls, () => ({ filters }) => ({
  filterResults: filters.map(() => ({ ...refusal, matchingAcls: [] })),
}))
