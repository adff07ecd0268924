import type { ProtoField, ProtoFile, ProtoMessage, ProtoOption, ProtoType } from '../model/proto-file.ts'

/** The options of these extensions stay. */
const keptPrefix = 'confluent.'

/** The same file without extensions, their numbers, and the options that they are: the format `ignore_extensions` of Confluent's registry. */
export function withoutExtensions(file: ProtoFile): ProtoFile {
  return {
    ...file,
    options: kept(file.options),
    types: file.types.map(typeOf),
    extends: [],
    services: file.services.map(({ name, options, rpcs }) => ({
      name,
      options: kept(options),
      rpcs: rpcs.map((rpc) => Object.assign({}, rpc, { options: kept(rpc.options) })),
    })),
  }
}

function kept(options: readonly ProtoOption[]): readonly ProtoOption[] {
  return options.filter(({ name, isExtension }) => !isExtension || name.startsWith(keptPrefix))
}

function typeOf(type: ProtoType): ProtoType {
  if (type.kind === 'message') return messageOf(type)
  const constants = type.constants.map(({ name, number, options }) => ({ name, number, options: kept(options) }))
  return { ...type, options: kept(type.options), constants }
}

function messageOf(message: ProtoMessage): ProtoMessage {
  return {
    ...message,
    options: kept(message.options),
    fields: fieldsOf(message.fields),
    oneofs: message.oneofs.map(({ name, options, fields, groups }) => ({
      name,
      options: kept(options),
      fields: fieldsOf(fields),
      groups: groups.map((group) => Object.assign({}, group, { fields: fieldsOf(group.fields) })),
    })),
    groups: message.groups.map((group) => Object.assign({}, group, { fields: fieldsOf(group.fields) })),
    extensions: [],
    extends: [],
    types: message.types.map(typeOf),
  }
}

function fieldsOf(fields: readonly ProtoField[]): readonly ProtoField[] {
  return fields.map((field) => Object.assign({}, field, { options: kept(field.options) }))
}
