import type { BrokerOptions } from '../../src/broker/broker.ts'
import { BrokerHarness } from '../support/broker/broker-harness.ts'
import { KafkaFaultProxy } from '../support/broker/kafka-fault-proxy.ts'
import { ClientHarness } from './client-harness.ts'

/** A broker, a proxy in front of it, and clients that connect through the proxy unless they name the broker. */
export class ProxiedBroker {
  readonly broker: BrokerHarness
  readonly proxy: KafkaFaultProxy
  readonly clients: ClientHarness

  private constructor(broker: BrokerHarness, proxy: KafkaFaultProxy) {
    this.broker = broker
    this.proxy = proxy
    this.clients = new ClientHarness(proxy.bootstrapServers)
  }

  static async start(options: Partial<BrokerOptions> = {}): Promise<ProxiedBroker> {
    const broker = await BrokerHarness.start(options)
    return new ProxiedBroker(broker, await KafkaFaultProxy.open(broker.bootstrap))
  }

  /** A client whose connections do not go through the proxy. */
  async connectDirectly(): ReturnType<ClientHarness['connect']> {
    return await this.clients.connect({ bootstrapServers: this.broker.bootstrap })
  }

  async close(): Promise<void> {
    await this.clients.close()
    await this.proxy.close()
    await this.broker.close()
  }
}
