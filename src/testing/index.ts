// The contract suites for plugins, imported as `penstock/testing`. Every export has to stay compatible.

// Connectors
export { sourceContract } from './source/source-contract.ts'
export type { SourceContractOptions, SourceFixture } from './source/source-options.ts'
export { sinkContract } from './sink/sink-contract.ts'
export type { RecordParts, SinkContractOptions, SinkFixture } from './sink/sink-options.ts'
export type { ConnectorFixture, WrongConfig } from './connector/connector-options.ts'

// Other plugins, and the package
export { converterContract, type ConverterContractOptions } from './plugins/converter-contract.ts'
export {
  predicateContract,
  transformContract,
  type PredicateContractOptions,
  type TransformContractOptions,
} from './plugins/transform-contract.ts'
export {
  configProviderContract,
  type ConfigProviderContractOptions,
  type ConfigProviderFixture,
} from './plugins/config-provider-contract.ts'
export { manifestContract } from './plugins/manifest-contract.ts'

export type { ContractCase } from './contract/contract-case.ts'
export { ContractError } from './contract/contract-error.ts'
